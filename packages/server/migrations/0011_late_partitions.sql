-- Partitions that are made late. A server that was off for longer than they are made ahead writes into the default one
-- before anybody has made the others, and so does one whose clock was wrong for a while: a month that has rows there
-- could not be made any more, and nor could those after it. Its rows move.
--
-- The default partition is locked first: whoever inserts holds the parent and waits for it there, which attaching a
-- partition, unlike making one in its place, does not mind. A dump that reads for hours keeps it for as long, and whoever
-- reads the ledger waits behind one who waits for it: that one gives up soon, and tries again later.
CREATE OR REPLACE FUNCTION make_partitions(months_ahead integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '200ms' AS $$
DECLARE
  parent text;
  month  timestamp;
  name   text;
  since  text;
  until  text;
  made   integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('holdfast make_partitions', 0));
  FOREACH parent IN ARRAY ARRAY['ledger_entry', 'journal_entry'] LOOP
    FOR i IN -1..months_ahead LOOP
      month := date_trunc('month', timezone('UTC', clock_timestamp())) + make_interval(months => i);
      name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
      CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
      since := to_char(month, 'YYYY-MM-DD"T00:00:00Z"');
      until := to_char(month + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"');
      EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
      EXECUTE format(
        'WITH early AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM early',
        parent || '_default', since, until, name);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, since, until);
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
