-- The event stream: the order in which committed entries of the journal and the ledger are shown to readers.
--
-- Every transaction that writes journal entries adds one row per run of numbers that it used, without a position. After
-- the commit somebody gives positions to the runs that it can see, in the order of their numbers, while it holds the one
-- row of event_stream. Two commands on one level commit one after the other and with rising numbers, so whoever sees the
-- second sees the first: the order per level is right, nobody who commits late is passed over, and no number of a
-- transaction is kept, so that a dump that is restored elsewhere goes on. Within a run, an entry stands at
-- position + (its number - first_id): one row numbers a whole batch.

CREATE TABLE event_batch (
  first_id     bigint PRIMARY KEY,
  last_id      bigint NOT NULL,
  -- Of its journal entries, and of the youngest of its ledger entries, whose clock never runs backwards.
  at           timestamptz(3) NOT NULL,
  ledger_until timestamptz(3) NOT NULL,
  position     bigint,
  CONSTRAINT event_batch_is_one_run CHECK (last_id >= first_id AND last_id - first_id < 4096),
  CONSTRAINT event_batch_ends_after_it_began CHECK (ledger_until >= at)
);
CREATE INDEX event_batch_unnumbered ON event_batch (first_id) WHERE position IS NULL;
CREATE UNIQUE INDEX event_batch_position ON event_batch (position) WHERE position IS NOT NULL;
-- Every row is written twice within milliseconds: what is dead is taken away before it is many pages.
ALTER TABLE event_batch SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

-- The last position given, and in which life of the database. After a restore, a recovery to an earlier point or a
-- failover that lost commits, positions that readers have seen would be given again to other events: the stream then
-- goes on far above all of them.
CREATE TABLE event_stream (
  id     smallint PRIMARY KEY DEFAULT 1,
  head   bigint NOT NULL DEFAULT 0,
  origin text COLLATE "C",
  -- Events up to this position were forgotten: see the retention of the stream.
  forgotten bigint NOT NULL DEFAULT 0,
  CONSTRAINT event_stream_forgets_only_what_it_had CHECK (forgotten BETWEEN 0 AND head),
  CONSTRAINT event_stream_is_one CHECK (id = 1),
  CONSTRAINT event_stream_head_is_exact_in_json CHECK (head BETWEEN 0 AND 9007199254740991)
);
INSERT INTO event_stream DEFAULT VALUES;

-- Which database this is: its cluster's number, the table's own (another one after a dump was restored, also into the
-- same cluster or database), its timeline (another one after a recovery to an earlier point, and after a promotion), and
-- when its files were laid (later after files were put back from a backup). Runs as the schema's owner; what even the
-- owner may not ask is left out.
CREATE FUNCTION event_stream_origin() RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  origin text;
BEGIN
  origin := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) || ' '
    || (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' || 'event_stream'::regclass::oid;
  BEGIN
    origin := origin || ' ' || (SELECT system_identifier FROM pg_control_system());
    origin := origin || ' ' || (SELECT extract(epoch FROM change)::bigint FROM pg_stat_file('PG_VERSION', true));
  EXCEPTION
    WHEN insufficient_privilege THEN NULL;
  END;
  RETURN origin;
END $$;
REVOKE ALL ON FUNCTION event_stream_origin() FROM PUBLIC;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON event_batch TO holdfast_app;
  GRANT SELECT, UPDATE ON event_stream TO holdfast_app;
  GRANT EXECUTE ON FUNCTION event_stream_origin() TO holdfast_app;
  -- A server that is not given the owner's URL looks whether the schema is up to date.
  GRANT SELECT ON kysely_migration, kysely_migration_lock TO holdfast_app;
END $$;
