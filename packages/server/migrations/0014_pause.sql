-- A copy of an installation, such as one that was restored, must not do the same a second time: while it is paused it
-- sends nothing to webhooks, makes no runs by schedule and does none.
ALTER TABLE installation
  ADD COLUMN paused_at timestamptz(3),
  ADD COLUMN paused_because text,
  ADD CONSTRAINT installation_is_paused_for_a_reason CHECK ((paused_at IS NULL) = (paused_because IS NULL));

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT UPDATE (paused_at, paused_because) ON installation TO holdfast_app;
END $$;
