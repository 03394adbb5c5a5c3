-- Alerts may be forgotten once they are resolved: the journal keeps what they said.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT DELETE ON alert TO holdfast_app;
END $$;
