import pg from 'pg';

/** The rows that give the entries of a transaction their place in the event stream are thrown away, not written. */
export async function dropEventRows(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(`
      CREATE FUNCTION bench_write_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER bench_write_nothing BEFORE INSERT ON event_batch
        FOR EACH ROW EXECUTE FUNCTION bench_write_nothing();
    `);
  } finally {
    await client.end();
  }
}
