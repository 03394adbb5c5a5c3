-- Who serves. Each instance, and each worker of one, keeps a row of its own alive; nothing else depends on it.

CREATE TABLE instance (
  id         uuid PRIMARY KEY,
  -- Null for one that listens on no port.
  address    text,
  host       text NOT NULL,
  pid        integer NOT NULL,
  version    text NOT NULL,
  -- What brings it the hints of the others: redis, postgres or nothing.
  signals    text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  seen_at    timestamptz(3) NOT NULL,
  CONSTRAINT instance_is_seen_after_its_start CHECK (seen_at >= started_at)
) WITH (fillfactor = 50);

-- This installation, for what several of them may share, such as one Redis. A copy of the database has the same.
CREATE TABLE installation (
  one boolean PRIMARY KEY DEFAULT true,
  id  uuid NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT installation_is_one CHECK (one)
);
INSERT INTO installation DEFAULT VALUES;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON instance TO holdfast_app;
  GRANT SELECT ON installation TO holdfast_app;
END $$;
