import pg from 'pg';

/** What node-postgres takes. */
export type ConnectionConfig = pg.ClientConfig;

/** A function where it is known only once the database is up. */
export type Connection = ConnectionConfig | (() => ConnectionConfig);

/** The sessions of a pool, known one by one, so that hung ones can be cut. */
export class Sessions {
  readonly #open = new Set<pg.Client>();
  #isCut = false;
  /** What the pool makes its sessions of: each asks anew where the database is. */
  readonly Client: new () => pg.Client;

  constructor(config: () => pg.ClientConfig) {
    const add = (session: pg.Client): void => this.#add(session);
    this.Client = class extends pg.Client {
      constructor() {
        super(config());
        add(this);
      }
    };
  }

  /** Whoever waits for a session is told that it is lost, and so is who asks for one, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const session of this.#open) cutSession(session);
  }

  mend(): void {
    this.#isCut = false;
  }

  #add(session: pg.Client): void {
    this.#open.add(session);
    session.once('end', () => this.#open.delete(session));
    // The pool listens only while a session is idle.
    outliveLoss(session);
    // After the pool has called connect, which then fails.
    if (this.#isCut) process.nextTick(() => cutSession(session));
  }
}

/**
 * Before it connects: a session that is lost between two statements tells its next statement. Without a listener it
 * would end the process, and one that is lost with its first answer does so before whoever waits for that can listen.
 */
export function outliveLoss(session: pg.ClientBase): void {
  session.on('error', () => undefined);
}

/** Ends a session without a word to a server that may not listen. */
export function cutSession(session: pg.ClientBase): void {
  const { stream } = (session as unknown as { connection: { stream: { destroy: () => void } } }).connection;
  stream.destroy();
}
