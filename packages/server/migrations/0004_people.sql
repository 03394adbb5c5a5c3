-- People who sign in to the dashboard by a password, their sessions, and how often signing in has failed.

-- A person who is removed keeps the row, since ledger and audit refer to it by id; password and sessions are gone, and the
-- login is free again. A row that was ever made closes the open server for good, as a key's does.
CREATE TABLE person (
  id              uuid PRIMARY KEY,
  login           text NOT NULL,
  -- The login as it is compared: NFKC and lower case, by the server, so that it does not depend on a locale.
  login_key       text COLLATE "C" NOT NULL,
  name            text NOT NULL,
  scopes          text[] NOT NULL,
  -- A PHC string, which names its algorithm, parameters and salt.
  password_hash   text,
  created_at      timestamptz(3) NOT NULL,
  last_sign_in_at timestamptz(3),
  disabled_at     timestamptz(3),
  removed_at      timestamptz(3),
  version         bigint NOT NULL DEFAULT 1,
  CONSTRAINT person_has_a_scope CHECK (cardinality(scopes) > 0),
  CONSTRAINT person_password_is_a_phc_string CHECK (password_hash LIKE '$%'),
  CONSTRAINT person_has_a_password_until_removed CHECK ((password_hash IS NULL) = (removed_at IS NOT NULL))
);
CREATE UNIQUE INDEX person_login_is_unique ON person (login_key) WHERE removed_at IS NULL;

-- Ended ones are kept for a while: an address from which a person has signed in is not held back by the failures of
-- others.
CREATE TABLE person_session (
  id           uuid PRIMARY KEY,
  person_id    uuid NOT NULL REFERENCES person (id),
  -- SHA-256 of the cookie's token.
  token_hash   bytea NOT NULL,
  created_at   timestamptz(3) NOT NULL,
  last_seen_at timestamptz(3) NOT NULL,
  -- Without use; moves on with use, up to ends_at.
  idle_ends_at timestamptz(3) NOT NULL,
  ends_at      timestamptz(3) NOT NULL,
  ended_at     timestamptz(3),
  address      text NOT NULL,
  -- Whom the address belongs to: of IPv6 its first 64 bits.
  network      text NOT NULL,
  user_agent   text,
  CONSTRAINT person_session_token_is_unique UNIQUE (token_hash),
  CONSTRAINT person_session_token_is_sha256 CHECK (octet_length(token_hash) = 32),
  CONSTRAINT person_session_idles_within_its_life CHECK (idle_ends_at <= ends_at)
);
CREATE INDEX person_session_of_person ON person_session (person_id, id);
CREATE INDEX person_session_age ON person_session (created_at);

-- Failed attempts, by login, by address, and by both. A subject is a digest: what was typed as a login may be a password.
CREATE TABLE sign_in_throttle (
  subject     text COLLATE "C" PRIMARY KEY,
  failures    integer NOT NULL,
  last_at     timestamptz(3) NOT NULL,
  held_until  timestamptz(3) NOT NULL,
  CONSTRAINT sign_in_throttle_counts_failures CHECK (failures >= 0)
);
CREATE INDEX sign_in_throttle_age ON sign_in_throttle (last_at);

-- The audit reads each family of kinds by an index of its own: adding one does not rebuild those of the others.
CREATE INDEX journal_entry_audit_people ON journal_entry (id)
  WHERE kind IN ('person.created', 'person.updated', 'person.removed', 'person.password_changed', 'person.signed_in',
    'person.signed_out');

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE ON person TO holdfast_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON person_session, sign_in_throttle TO holdfast_app;
END $$;
