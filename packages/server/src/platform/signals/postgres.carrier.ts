import { Loop } from '../../kernel/loop.ts';
import { cutSession } from '../database/sessions.ts';
import { isBehindPooler } from '../database/pooler.ts';
import type { Database } from '../database/index.ts';
import { isThere, listen, notify } from './notify.sql.ts';
import type { Carrier, CarrierEars } from './signals.ts';

type Session = Awaited<ReturnType<Database['openClient']>>;

/** How often the session is asked whether it is still there: a half-open one says nothing by itself. */
const BEAT_MS = 500;
const AGAIN_AFTER_MS = 250;
const ANSWER_WITHIN_MS = 2_500;
const CLOSE_WITHIN_MS = 500;
/** A pooler hands a session on after each transaction: what was listened for reaches somebody else, or nobody. */
const BEHIND_POOLER = 'The database is reached through a pooler, which loses LISTEN.';

/** PostgreSQL's LISTEN and NOTIFY, on a plain session that does nothing else: no hint ever rides in a stock transaction. */
export class PostgresCarrier implements Carrier {
  readonly name = 'postgres';
  readonly #database: Pick<Database, 'openClient'>;
  readonly #loop: Loop;
  #ears: CarrierEars | null = null;
  #session: Session | null = null;
  #isUnfit = false;
  #isClosed = false;

  constructor(database: Pick<Database, 'openClient'>) {
    this.#database = database;
    const onError = (error: unknown): void => this.#lose(this.#session, error);
    this.#loop = new Loop(() => this.#tend(), { afterErrorMs: AGAIN_AFTER_MS, onError });
  }

  get isLive(): boolean {
    return this.#session !== null;
  }

  open(ears: CarrierEars): void {
    this.#ears = ears;
    this.#loop.start();
  }

  async send(message: string): Promise<void> {
    const session = this.#session;
    if (session === null) throw new Error('not connected');
    await this.#inTime(session, notify(session, message));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session;
    this.#session = null;
    if (session !== null) cutSession(session);
    // One that is being opened is cut when it comes.
    await Promise.race([this.#loop.stop(), new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref())]);
  }

  async #tend(): Promise<number> {
    if (this.#isClosed || this.#isUnfit) return BEAT_MS;
    if (this.#session === null) await this.#connect();
    else await this.#inTime(this.#session, isThere(this.#session));
    return BEAT_MS;
  }

  async #connect(): Promise<void> {
    const session = await this.#database.openClient();
    session.on('error', (error) => this.#lose(session, error));
    session.on('end', () => this.#lose(session, new Error('the session was ended')));
    session.on('notification', ({ payload = '' }) => this.#ears?.onMessage(payload));
    try {
      if (await isBehindPooler(session)) {
        this.#isUnfit = true;
        this.#ears?.onUnfit(BEHIND_POOLER);
      } else await listen(session);
    } catch (error) {
      cutSession(session);
      throw error;
    }
    if (this.#isClosed || this.#isUnfit) return cutSession(session);
    this.#session = session;
    this.#ears?.onUp();
  }

  async #inTime(session: Session, work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_WITHIN_MS);
    });
    try {
      await Promise.race([work, late]);
    } catch (error) {
      work.catch(() => undefined);
      this.#lose(session, error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #lose(session: Session | null, reason: unknown): void {
    if (session === null || this.#session !== session) return;
    this.#session = null;
    cutSession(session);
    this.#ears?.onDown(reason);
  }
}
