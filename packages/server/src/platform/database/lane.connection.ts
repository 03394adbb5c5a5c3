import type { Duplex } from 'node:stream';
import pg from 'pg';
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

/**
 * A connection of an engine's lane. Statements that are asked for in one turn of the event loop travel together: one
 * write, one Sync, and one answer to wake up for. node-postgres' own pipelining sends a Sync with each, at which the
 * server flushes: for the six statements of a batch that was 0.2 ms of PostgreSQL's time and as much of Node's. Each
 * statement still has a snapshot of its own. After one that fails, the rest of its group is not run, and fails with it.
 */
export class LaneConnection {
  readonly #client: pg.Client;
  /** Behind a pooler a statement that was parsed may not be there any more: each is parsed again, without a name. */
  readonly #isPooled: boolean;
  /** How the rows of a statement are read: known from the first time on, so that the server need not describe them. */
  readonly #parsers = new Map<string, Parser[]>();
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #isBusy = false;

  private constructor(client: pg.Client, pooled: boolean) {
    this.#client = client;
    this.#isPooled = pooled;
  }

  static async connect(config: pg.ClientConfig): Promise<LaneConnection> {
    const client = new pg.Client(config);
    await client.connect();
    // Nobody listens until the caller does; without a listener a loss would end the process.
    client.on('error', () => undefined);
    return new LaneConnection(client, isPooled(client, await client.query<{ pid: number }>(WHO_SERVES)));
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
    (this.#client as unknown as { connection: Wire }).connection.stream.destroy();
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  #sendSoon(): void {
    if (this.#isScheduled || this.#isBusy) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const group = this.#waiting;
      this.#waiting = [];
      this.#isBusy = true;
      const done = (): void => {
        this.#isBusy = false;
        if (this.#waiting.length > 0) this.#sendSoon();
      };
      this.#client.query(new StatementGroup(group, this.#parsers, this.#isPooled, done));
    });
  }
}

function asText(value: LaneValue): string | null {
  return value === null ? null : String(value);
}

/** Statements with one Sync behind them, as node-postgres runs a query object. */
class StatementGroup implements pg.Submittable {
  readonly #group: readonly Waiting[];
  readonly #parsers: Map<string, Parser[]>;
  readonly #isPooled: boolean;
  readonly #done: () => void;
  readonly #results: LaneResult[];
  #current = 0;

  constructor(group: readonly Waiting[], parsers: Map<string, Parser[]>, pooled: boolean, done: () => void) {
    this.#group = group;
    this.#parsers = parsers;
    this.#isPooled = pooled;
    this.#done = done;
    this.#results = group.map(() => ({ rows: [], command: '' }));
  }

  submit(connection: unknown): void {
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
    const isKnown = this.#parsers.has(ownName);
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
    this.#learn(fields.map(({ dataTypeID }) => columnTypes.getTypeParser(dataTypeID, 'text') as Parser));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const { name } = (this.#group[this.#current] as Waiting).statement;
    const parsers = this.#parsers.get(name) ?? [];
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
    this.#learn([]);
    this.#current += 1;
  }

  handleReadyForQuery(): void {
    for (const [index, { resolve }] of this.#group.entries()) resolve(this.#results[index] as LaneResult<never>);
    this.#done();
  }

  handleError(error: unknown): void {
    for (const { reject } of this.#group) reject(error);
    this.#done();
  }

  #learn(parsers: Parser[]): void {
    const { name } = (this.#group[this.#current] as Waiting).statement;
    if (!this.#parsers.has(name)) this.#parsers.set(name, parsers);
  }
}
