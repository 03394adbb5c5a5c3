/**
 * Moves a test database's own clock. In this database the names of PostgreSQL's clocks find functions that add a
 * shift, so that engine, reads and sweep jump together and the server
 * under test is the one that ships.
 */
import pg from 'pg';

export type ShiftedClock = { advance: (ms: number) => Promise<void>; close: () => Promise<void> };

const INSTALL = `
  CREATE TABLE test_clock_shift (ms bigint NOT NULL);
  INSERT INTO test_clock_shift VALUES (0);
  CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT pg_catalog.clock_timestamp() + ms * interval '1 millisecond' FROM public.test_clock_shift $$;
  CREATE FUNCTION public.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT pg_catalog.statement_timestamp() + ms * interval '1 millisecond' FROM public.test_clock_shift $$;
  CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT pg_catalog.now() + ms * interval '1 millisecond' FROM public.test_clock_shift $$;
  GRANT SELECT ON test_clock_shift TO PUBLIC;
  DO $$ BEGIN
    -- Named last, pg_catalog no longer comes first of itself.
    EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
  END $$;
`;

/** To be installed before the server connects. */
export async function shiftClockOf(connection: pg.ClientConfig): Promise<ShiftedClock> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(INSTALL);
  return {
    advance: async (ms) => {
      await client.query('UPDATE test_clock_shift SET ms = ms + $1', [Math.round(ms)]);
    },
    close: async () => client.end(),
  };
}
