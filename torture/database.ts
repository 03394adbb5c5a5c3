import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** A PostgreSQL whose user may create databases. */
export type PostgresServer = Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'database'>;

/** An empty database of its own, for one test. */
export interface TestDatabase {
  connection: pg.ClientConfig;
  /** For DATABASE_URL. */
  url: string;
  /** Such a URL through another door: a user of one's own, a proxy's port. */
  urlThrough(door: { user?: string; host?: string; port?: number }): string;
  drop(): Promise<void>;
}

export async function makeDatabase(server: PostgresServer): Promise<TestDatabase> {
  const name = `torture_${randomUUID().replaceAll('-', '')}`;
  await runOnce(server, `CREATE DATABASE ${name}`);
  const urlThrough: TestDatabase['urlThrough'] = ({ user = server.user ?? '', host = server.host ?? '', port }) =>
    host.startsWith('/')
      ? `postgresql://${user}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port ?? server.port}`
      : `postgresql://${user}@${host}:${port ?? server.port}/${name}`;
  return {
    connection: { ...server, database: name },
    url: urlThrough({}),
    urlThrough,
    drop: () => runOnce(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export async function runOnce(connection: pg.ClientConfig, statement: string): Promise<void> {
  await withClient(connection, (client) => client.query(statement));
}

/** A plain session, with the rights of the schema's owner. */
export async function withClient<Result>(
  connection: pg.ClientConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(connection);
  // A database that is killed tells every session; who has one open hears it from its statement.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** One number of one row. */
export async function numberOf(client: pg.Client, text: string, values: unknown[] = []): Promise<number> {
  const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
  return Number(rows[0]?.[0]);
}
