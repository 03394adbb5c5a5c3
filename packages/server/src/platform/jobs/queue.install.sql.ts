import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { SERVING_ROLE } from '../database/database.ts';

/** pg-boss keeps its tables beside ours, in a schema named after the one that Holdfast is in. */
export function queueSchemaOf(schema: string): string {
  return schema === 'public' ? 'holdfast_queue' : `${schema}_queue`;
}

/** Of those that make the queue, in any schema of the database: whoever comes second finds it made. */
const INSTALL_LOCK = 7_305_442_118;

/**
 * Makes the queue's tables, or brings them up to date, as the owner of the schema; any number of instances may call it
 * at once. The serving role may read and write them, and makes none.
 */
export async function installQueue(connection: pg.ClientConfig): Promise<void> {
  const [client, lock] = [openAsOwner(connection), openAsOwner(connection)];
  try {
    await Promise.all([client.connect(), lock.connect()]);
    // pg-boss looks whether there is a queue before it locks, and fails where another made one since. The lock is a
    // transaction's, on a session beside: a pooler may give each of pg-boss's transactions another session.
    await lock.query('BEGIN');
    await lock.query('SELECT pg_advisory_xact_lock($1)', [INSTALL_LOCK]);
    await installAlone(client);
  } finally {
    await Promise.all([client.end(), lock.end()]);
  }
}

function openAsOwner(connection: pg.ClientConfig): pg.Client {
  const client = new pg.Client({ ...connection, application_name: 'holdfast migrate', connectionTimeoutMillis: 5_000 });
  // One that is lost between statements says so in the next one.
  client.on('error', () => undefined);
  return client;
}

async function installAlone(client: pg.Client): Promise<void> {
  // A pooler may hand out a session in which an instance has taken the serving role.
  await client.query('RESET ROLE');
  const { rows } = await client.query<{ schema: string }>('SELECT current_schema() AS schema');
  const schema = queueSchemaOf(rows[0]?.schema ?? 'public');
  const { rows: found } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  const boss = new PgBoss({
    db: { executeSql: async (text, values) => rowsOf(await client.query(text, values)) },
    schema,
    // A schema that was made for us: this user may not be allowed to make one.
    createSchema: found.length === 0,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.stop({ graceful: false, close: false });
  await client.query(grantsOf(pg.escapeIdentifier(schema)));
}

/** node-postgres gives an answer for each statement of a script, and its types know only of one. */
function rowsOf(answer: pg.QueryResult<object> | pg.QueryResult<object>[]): { rows: object[] } {
  return { rows: Array.isArray(answer) ? answer.flatMap(({ rows }) => rows) : answer.rows };
}

/** Where the owner could not make the role, the server serves as the owner. */
function grantsOf(schema: string): string {
  return `
    DO $$
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${SERVING_ROLE}') THEN RETURN; END IF;
      GRANT USAGE ON SCHEMA ${schema} TO ${SERVING_ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${SERVING_ROLE};
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${SERVING_ROLE};
    END $$`;
}
