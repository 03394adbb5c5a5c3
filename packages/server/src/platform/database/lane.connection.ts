import type { Duplex } from 'node:stream';
import pg from 'pg';
import { outliveLoss } from './sessions.ts';
import { isConnectionLost } from './failures.ts';
import { isPooled, WHO_SERVES } from './pooler.ts';
import { columnTypes } from './types.ts';

/** A statement of the engine. Named: it is parsed once per connection. Rows come as arrays. */
export interface LaneStatement {
  name: string;
  text: string;
  values: readonly LaneValue[];
}

/** Sent as text. */
export type LaneValue = string | number | null;

export interface LaneResult<Row = unknown[]> {
  rows: Row[];
  /** What the server says that it did, such as COMMIT or ROLLBACK. */
  command: string;
}

/** What a message of the server is about, as node-postgres hands it on. */
type Field = { dataTypeID: number; format: string };
type Parser = (text: string) => unknown;

/** The part of node-postgres' connection that speaks the protocol; its published types lack some of it. */
interface Wire {
  stream: Duplex;
  close(message: { type: 'S'; name: string }): void;
  parse(message: { name: string; text: string }): void;
  bind(message: {
    statement: string;
    values: readonly LaneValue[];
    valueMapper: (value: LaneValue) => string | null;
  }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string }): void;
  sync(): void;
}

interface Waiting {
  statement: LaneStatement;
  resolve: (result: LaneResult<never>) => void;
  reject: (error: unknown) => void;
}

/** The statements that a session has parsed. */
class Prepared {
  /** How the rows of a statement are read: known from the first time on, so that the server need not describe them. */
  readonly #known = new Map<string, Parser[]>();
  readonly #lastParsedBy = new Map<string, StatementGroup>();

  parsersOf(name: string): Parser[] | null {
    return this.#known.get(name) ?? null;
  }

  /** Whoever parses a name takes it from those before. */
  parsing(name: string, group: StatementGroup): void {
    this.#lastParsedBy.set(name, group);
  }

  /** It was parsed and run. Where another group has sent it to be parsed again since, that one's word counts. */
  learn(name: string, group: StatementGroup, parsers: Parser[]): void {
    if (this.#lastParsedBy.get(name) !== group) return;
    this.#lastParsedBy.delete(name);
    this.#known.set(name, parsers);
  }
}

/** Of statements that were sent behind a group that failed: whatever the server made of them does not count. */
export class SentBehindFailure extends Error {
  constructor(cause: unknown) {
    super('the statements before these failed', { cause });
  }
}

/**
 * A connection of an engine's lane. Statements that are asked for in one turn of the event loop travel together: one
 * write, one Sync, and one answer to wake up for. node-postgres' own pipelining sends a Sync with each, at which the
 * server flushes: for the six statements of a batch that was 0.2 ms of PostgreSQL's time and as much of Node's. Each
 * statement still has a snapshot of its own. After one that fails, the rest of its group is not run, and fails with it.
 *
 * A group does not wait for the answers to those before it: the server finds it when it is done with them. Groups that
 * were under way behind one that fails have failed too.
 */
export class LaneConnection {
  readonly #client: pg.Client;
  /** Behind a pooler a statement that was parsed may not be there any more: each is parsed again, without a name. */
  readonly #isPooled: boolean;
  readonly #prepared = new Prepared();
  #waiting: Waiting[] = [];
  /** Sent and not answered, in order. */
  readonly #underWay: StatementGroup[] = [];
  #isScheduled = false;
  #hasFailed = false;

  private constructor(client: pg.Client, pooled: boolean) {
    this.#client = client;
    this.#isPooled = pooled;
  }

  static async connect(config: pg.ClientConfig): Promise<LaneConnection> {
    const client = new pg.Client(config);
    outliveLoss(client);
    await client.connect();
    return new LaneConnection(client, isPooled(client, await client.query<{ pid: number }>(WHO_SERVES)));
  }

  /** Whether statements travel behind others that are not answered. Through a pooler each group waits its turn. */
  get isPipelined(): boolean {
    return !this.#isPooled;
  }

  /** A statement failed, and none has been done since: what is sent now may meet a transaction that is to be ended. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The server process that serves it. */
  get backend(): number {
    return (this.#client as unknown as { processID: number }).processID;
  }

  query<Row = unknown[]>(statement: LaneStatement | string): Promise<LaneResult<Row>> {
    return new Promise((resolve, reject) => {
      const asked = typeof statement === 'string' ? { name: statement, text: statement, values: [] } : statement;
      this.#waiting.push({ statement: asked, resolve, reject });
      this.#sendSoon();
    });
  }

  /** Told when the connection is gone. */
  onLost(listener: (error: Error | null) => void): void {
    this.#client.on('error', listener);
    this.#client.on('end', () => listener(null));
  }

  /** Ends the connection at once, whatever is under way. */
  cut(): void {
    this.#wire.stream.destroy();
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  get #wire(): Wire {
    return (this.#client as unknown as { connection: Wire }).connection;
  }

  #sendSoon(): void {
    if (this.#isScheduled || (this.#isPooled && this.#underWay.length > 0)) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const group = new StatementGroup(this.#waiting, this.#prepared, this.#isPooled, (failure) =>
        this.#firstEnded(failure),
      );
      this.#waiting = [];
      this.#underWay.push(group);
      // node-postgres is told of one at a time: whose answers they are. It finds the others sent already.
      if (this.#underWay.length === 1) this.#client.query(group);
      else group.submit(this.#wire);
    });
  }

  #firstEnded(failure: unknown): void {
    const ended = this.#underWay.shift();
    this.#hasFailed = failure !== null || (this.#hasFailed && ended?.isBehindFailure === true);
    if (failure !== null) for (const behind of this.#underWay) behind.failBehind(failure);
    const [next] = this.#underWay;
    if (next !== undefined) this.#client.query(next);
    if (this.#waiting.length > 0) this.#sendSoon();
  }
}

function asText(value: LaneValue): string | null {
  return value === null ? null : String(value);
}

/** Statements with one Sync behind them, as node-postgres runs a query object. */
class StatementGroup implements pg.Submittable {
  readonly #group: readonly Waiting[];
  readonly #prepared: Prepared;
  /** By statement; null where they are not known yet. */
  readonly #parsers: (Parser[] | null)[] = [];
  readonly #isPooled: boolean;
  /** Told of the failure, or null where there is none that concerns those behind it. */
  readonly #done: (failure: unknown) => void;
  readonly #results: LaneResult[];
  #current = 0;
  #isSent = false;
  #failureBefore: SentBehindFailure | null = null;

  constructor(group: readonly Waiting[], prepared: Prepared, pooled: boolean, done: (failure: unknown) => void) {
    this.#group = group;
    this.#prepared = prepared;
    this.#isPooled = pooled;
    this.#done = done;
    this.#results = group.map(() => ({ rows: [], command: '' }));
  }

  /** Sends it, once. */
  submit(connection: unknown): void {
    if (this.#isSent) return;
    this.#isSent = true;
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      for (const { statement } of this.#group) this.#send(wire, statement);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
  }

  #send(wire: Wire, { name: ownName, text, values }: LaneStatement): void {
    const parsers = this.#prepared.parsersOf(ownName);
    this.#parsers.push(parsers);
    const isKnown = parsers !== null;
    if (!isKnown) this.#prepared.parsing(ownName, this);
    const name = this.#isPooled ? '' : ownName;
    if (this.#isPooled) wire.parse({ name, text });
    else if (!isKnown) {
      // One that was parsed and then failed is still there under its name; closing what is not there is no error.
      wire.close({ type: 'S', name });
      wire.parse({ name, text });
    }
    wire.bind({ statement: name, values, valueMapper: asText });
    if (!isKnown) wire.describe({ type: 'P', name: '' });
    wire.execute({ portal: '' });
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#parsers[this.#current] = fields.map(
      ({ dataTypeID }) => columnTypes.getTypeParser(dataTypeID, 'text') as Parser,
    );
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const parsers = this.#parsers[this.#current] ?? [];
    const row: unknown[] = [];
    for (let column = 0; column < fields.length; column += 1) {
      const field = fields[column];
      row.push(field === null || field === undefined ? null : (parsers[column] as Parser)(field));
    }
    (this.#results[this.#current] as LaneResult).rows.push(row);
  }

  handleCommandComplete({ text }: { text: string }): void {
    (this.#results[this.#current] as LaneResult).command = text.split(' ', 1)[0] ?? '';
    // A statement without rows is described by no RowDescription.
    const { name } = (this.#group[this.#current] as Waiting).statement;
    this.#prepared.learn(name, this, this.#parsers[this.#current] ?? []);
    this.#current += 1;
  }

  get isBehindFailure(): boolean {
    return this.#failureBefore !== null;
  }

  /** One before it failed. Those behind it have been told as well. */
  failBehind(cause: unknown): void {
    this.#failureBefore = new SentBehindFailure(cause);
  }

  handleReadyForQuery(): void {
    this.#done(null);
    const failure = this.#failureBefore;
    if (failure !== null) this.#reject(failure);
    else for (const [index, { resolve }] of this.#group.entries()) resolve(this.#results[index] as LaneResult<never>);
  }

  handleError(error: unknown): void {
    const failure = this.#failureBefore;
    this.#done(failure === null ? error : null);
    this.#reject(failure === null || isConnectionLost(error) ? error : failure);
  }

  #reject(error: unknown): void {
    for (const { reject } of this.#group) reject(error);
  }
}
