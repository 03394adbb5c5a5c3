import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type Transaction } from 'kysely';
import pg from 'pg';
import { copeWithPooler, WHO_SERVES } from './pooler.ts';
import { cutSession, outliveLoss, Sessions, type Connection } from './sessions.ts';
import { LaneConnection } from './lane.connection.ts';
import type { Tables } from './tables.ts';
import { Turns } from './turns.ts';
import { columnTypes } from './types.ts';

export interface DatabaseOptions {
  /** Where the database is; a function, asked for each session, where that is known only later. */
  connection: Connection;
  /** Connections for reads and small transactions; the engine's lanes have their own. */
  poolMax?: number;
  applicationName?: string;
  onError?: (error: Error) => void;
}

/** The role that may write, but neither update nor delete the ledger and the journal. */
export const SERVING_ROLE = 'holdfast_app';

const CONNECT_TIMEOUT_MS = 3_000;
const READ_TIMEOUT_MS = 10_000;
const POOL_MAX_DEFAULT = 8;
/** A transaction whose turn comes later than this before its end would be cut in the middle. */
const TRANSACTION_MS = 500;

/**
 * The door to PostgreSQL. Sessions take the serving role when they may (`SET ROLE` on each connection; every writing
 * transaction sets it again, so that a transaction pooler such as PgBouncer cannot hand it a session without).
 */
export class Database {
  readonly pool: pg.Pool;
  readonly kysely: Kysely<Tables>;
  readonly #options: DatabaseOptions;
  readonly #sessions: Sessions;
  /** Transactions may wait for rows: reads keep half of the sessions. */
  readonly #turns: Turns;
  #servingRole: string | null = null;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#sessions = new Sessions(() => this.#clientConfig());
    const poolMax = options.poolMax ?? POOL_MAX_DEFAULT;
    this.#turns = new Turns(Math.ceil(poolMax / 2));
    this.pool = new pg.Pool({
      Client: this.#sessions.Client,
      max: poolMax,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 30_000,
      onConnect: (client) => this.#prepareSession(client),
    });
    this.pool.on('error', (error) => options.onError?.(error));
    this.kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: this.pool }) });
  }

  /** The role that sessions take, or null where they serve as whoever connected. */
  get servingRole(): string | null {
    return this.#servingRole;
  }

  /** Finds out once whether this user may serve as {@link SERVING_ROLE}. */
  async chooseRole(): Promise<void> {
    const { rows } = await this.pool.query<{ usable: boolean }>(
      `SELECT coalesce((SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false) AS usable`,
      [SERVING_ROLE],
    );
    this.#servingRole = rows[0]?.usable === true ? SERVING_ROLE : null;
    const sessions = await this.pool.connect();
    try {
      await this.#prepareSession(sessions);
    } finally {
      // Sessions made before the role was known are closed; those made from here on take it.
      sessions.release(true);
    }
  }

  /** Whether a session could rewrite the ledger: true where the serving role could not be taken by an owner. */
  async canRewriteLedger(): Promise<boolean> {
    const { rows } = await this.pool.query<{ can: boolean }>(
      `SELECT has_table_privilege('ledger_entry', 'UPDATE') OR has_table_privilege('ledger_entry', 'DELETE') AS can`,
    );
    return rows[0]?.can === true;
  }

  /** A connection of its own, for an engine's lane. */
  openLane(applicationName: string): Promise<LaneConnection> {
    return LaneConnection.connect({
      ...this.#clientConfig(),
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
  }

  /**
   * A transaction on a session that is cut when it takes longer: a server that has gone silent must not keep the caller.
   *
   * @throws Problem `level_busy` where others took all turns for so long, and what `work` and the database throw
   */
  async transaction<Result>(timeoutMs: number, work: (tx: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const untilMs = performance.now() + timeoutMs;
    await this.#turns.take(Math.max(1, timeoutMs - TRANSACTION_MS));
    try {
      return await this.#transact(Math.max(1, untilMs - performance.now()), work);
    } finally {
      this.#turns.end();
    }
  }

  async #transact<Result>(timeoutMs: number, work: (tx: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const session = await this.pool.connect();
    let isCut = false;
    const timer = setTimeout(() => {
      isCut = true;
      cutSession(session);
    }, timeoutMs);
    const pool: PostgresPool = {
      options: this.pool.options,
      connect: () =>
        Promise.resolve({ query: session.query.bind(session), release: () => undefined } as PostgresPoolClient),
      end: () => Promise.resolve(),
    };
    try {
      return await new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
        .transaction()
        .setIsolationLevel('read committed')
        .execute(work);
    } finally {
      clearTimeout(timer);
      session.release(isCut);
    }
  }

  /** A plain connection with the rights of the one who connected, for commands such as migrate or backup. */
  async openClient(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#clientConfig(), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    outliveLoss(client);
    await client.connect();
    return client;
  }

  /**
   * Statements that wait for an answer in the pool's sessions fail at once, as when a connection is lost; so do those
   * that come, until `mendSessions`.
   */
  cutSessions(): void {
    this.#sessions.cut();
  }

  mendSessions(): void {
    this.#sessions.mend();
  }

  async close(): Promise<void> {
    // Which ends the pool, but only where it was used through Kysely.
    await this.kysely.destroy();
    if (!this.pool.ending) await this.pool.end();
  }

  #clientConfig(): pg.ClientConfig {
    const { connection } = this.#options;
    return {
      ...(typeof connection === 'function' ? connection() : connection),
      application_name: this.#options.applicationName ?? 'holdfast',
      types: columnTypes,
      keepAlive: true,
    };
  }

  async #prepareSession(client: pg.ClientBase): Promise<void> {
    // One simple query: a session is ready in one round trip.
    const role = this.#servingRole === null ? '' : `SET ROLE ${this.#servingRole};`;
    const answers: unknown = await client.query(
      `${role} SET statement_timeout = ${READ_TIMEOUT_MS}; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET jit = off; ${WHO_SERVES}`,
    );
    // node-postgres gives an answer for each statement, and its types know only of one.
    copeWithPooler(client, (answers as pg.QueryResult<{ pid: number }>[]).at(-1));
  }
}
