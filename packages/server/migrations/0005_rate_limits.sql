-- Rate limits: the rules, and what became of the requests that they counted. The counters themselves are in memory or in
-- Redis, never here: they change with every request and may be lost.

CREATE TABLE rate_limit (
  id             uuid PRIMARY KEY,
  name           text NOT NULL,
  algorithm      text NOT NULL,
  -- Units per window; `limit` is a word of SQL.
  units          bigint NOT NULL,
  window_ms      bigint NOT NULL,
  burst          bigint,
  subject        text COLLATE "C" NOT NULL,
  match          jsonb NOT NULL,
  tier           text COLLATE "C",
  overrides      jsonb,
  costs          jsonb,
  refund         text NOT NULL,
  adaptive       jsonb,
  active_from    timestamptz(3),
  active_to      timestamptz(3),
  on_store_error text NOT NULL,
  mode           text NOT NULL,
  enabled        boolean NOT NULL,
  version        bigint NOT NULL DEFAULT 1,
  created_at     timestamptz(3) NOT NULL,
  updated_at     timestamptz(3) NOT NULL,
  CONSTRAINT rate_limit_algorithm_is_known CHECK (algorithm IN ('token_bucket', 'sliding_window', 'fixed_window')),
  CONSTRAINT rate_limit_grants_something CHECK (units > 0),
  CONSTRAINT rate_limit_window_has_a_length CHECK (window_ms > 0),
  CONSTRAINT rate_limit_burst_is_positive CHECK (burst > 0),
  CONSTRAINT rate_limit_burst_is_for_buckets CHECK (burst IS NULL OR algorithm = 'token_bucket'),
  -- Counters are units times milliseconds, in doubles: exact below 2^53.
  CONSTRAINT rate_limit_counts_are_exact
    CHECK (greatest(units, coalesce(burst, 0))::numeric * window_ms <= 9007199254740991),
  CONSTRAINT rate_limit_refund_is_known CHECK (refund IN ('never', 'refused')),
  CONSTRAINT rate_limit_schedule_has_a_length CHECK (active_to > active_from),
  CONSTRAINT rate_limit_store_error_policy_is_known CHECK (on_store_error IN ('allow', 'deny', 'local')),
  CONSTRAINT rate_limit_mode_is_known CHECK (mode IN ('enforce', 'shadow'))
);

-- Which subjects are of a tier, such as paying customers: rules of that tier are theirs.
CREATE TABLE rate_limit_tier (
  tier     text COLLATE "C" PRIMARY KEY,
  subjects text[] NOT NULL
);

-- Rises with every change of a rule or tier. Instances look at it instead of at the rules.
CREATE TABLE rate_limit_revision (
  id       smallint PRIMARY KEY DEFAULT 1,
  revision bigint NOT NULL DEFAULT 1,
  CONSTRAINT rate_limit_revision_is_one CHECK (id = 1)
);
INSERT INTO rate_limit_revision DEFAULT VALUES;

-- What all instances counted, in steps of ten seconds. No foreign key: what is counted while its rule is deleted goes
-- with the old.
CREATE TABLE rate_limit_stat (
  rule_id        uuid NOT NULL,
  at             timestamptz(3) NOT NULL,
  allowed        bigint NOT NULL,
  refused        bigint NOT NULL,
  shadow_refused bigint NOT NULL,
  PRIMARY KEY (rule_id, at)
);
CREATE INDEX rate_limit_stat_age ON rate_limit_stat (at);

-- The subjects that asked most, by minute and as far as a bounded sketch can tell.
CREATE TABLE rate_limit_subject_stat (
  rule_id uuid NOT NULL,
  at      timestamptz(3) NOT NULL,
  subject text COLLATE "C" NOT NULL,
  allowed bigint NOT NULL,
  refused bigint NOT NULL,
  PRIMARY KEY (rule_id, at, subject)
);
CREATE INDEX rate_limit_subject_stat_age ON rate_limit_subject_stat (at);

-- Of whom it was told in which minute that they are limited: whichever instance sees it first tells it.
CREATE TABLE rate_limit_notice (
  rule_id uuid NOT NULL,
  at      timestamptz(3) NOT NULL,
  subject text COLLATE "C" NOT NULL,
  PRIMARY KEY (rule_id, at, subject)
);
CREATE INDEX rate_limit_notice_age ON rate_limit_notice (at);

CREATE INDEX journal_entry_audit_rate_limits ON journal_entry (id)
  WHERE kind IN ('rate_limit.created', 'rate_limit.updated', 'rate_limit.deleted', 'rate_limit_tier.updated');

-- What a fresh installation begins with: room for what a shop does, and none for what an intruder or a loop would do.
-- Who calls from the machine itself is counted, and stopped by nothing that it could do.
INSERT INTO rate_limit (
  id, name, algorithm, units, window_ms, burst, subject, match, refund, on_store_error, mode, enabled, created_at,
  updated_at
)
SELECT
  -- A UUIDv7, as all ids: the order of ids is the order of creation.
  encode(set_byte(set_byte(
    decode(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + number), 12, '0')
      || substr(replace(gen_random_uuid()::text, '-', ''), 13), 'hex'),
    6, 112 + number), 8, 128), 'hex')::uuid,
  name, algorithm, units, window_ms, burst, subject, match::jsonb, 'never', 'local', 'enforce', true,
  date_trunc('milliseconds', now()), date_trunc('milliseconds', now())
FROM (VALUES
  (1, 'Each API key', 'token_bucket', 120000, 60000, 20000, 'api_key', '{"path": "/api/v1/**", "from": "elsewhere"}'),
  (2, 'Each person', 'token_bucket', 6000, 60000, 1000, 'user', '{"path": "/api/v1/**", "from": "elsewhere"}'),
  (3, 'Without valid credentials', 'sliding_window', 300, 60000, NULL, 'ip',
    '{"path": "/api/v1/**", "from": "elsewhere", "callers": "anonymous"}'),
  (4, 'This machine', 'token_bucket', 60000000, 60000, 1000000, 'ip', '{"path": "/api/v1/**", "from": "loopback"}')
) AS rule (number, name, algorithm, units, window_ms, burst, subject, match);

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit, rate_limit_tier, rate_limit_stat, rate_limit_subject_stat,
    rate_limit_notice TO holdfast_app;
  GRANT SELECT, UPDATE ON rate_limit_revision TO holdfast_app;
END $$;
