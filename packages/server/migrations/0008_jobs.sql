-- Jobs: what is to be done and when, and each run of it. The queue itself, that is which run a worker may take next and
-- whether the worker that has it is alive, is pg-boss's, in a schema of its own; a run names its ticket there.

CREATE TABLE job (
  id              uuid PRIMARY KEY,
  name            text COLLATE "C" NOT NULL,
  description     text NOT NULL DEFAULT '',
  type            text COLLATE "C" NOT NULL,
  config          jsonb NOT NULL,
  -- Cron; none: it runs when it is asked to, or after its dependencies.
  schedule        text,
  time_zone       text NOT NULL,
  -- 3 critical, 2 high, 1 normal, 0 low.
  priority        smallint NOT NULL,
  retries         integer NOT NULL,
  -- {kind, delayMs, maxDelayMs}
  backoff         jsonb NOT NULL,
  timeout_ms      bigint NOT NULL,
  concurrency     integer NOT NULL,
  overlap         text NOT NULL,
  catch_up        text NOT NULL,
  catch_up_max    integer NOT NULL,
  after_failure   text NOT NULL,
  cache_for_ms    bigint NOT NULL DEFAULT 0,
  -- HH:MM in the job's time zone, or a duration such as PT2H; null: no deadline.
  must_finish_by  text,
  keep_days       integer NOT NULL,
  enabled         boolean NOT NULL,
  -- Holdfast's own: it can be paused and rescheduled, not deleted.
  is_system       boolean NOT NULL DEFAULT false,
  version         bigint NOT NULL DEFAULT 1,
  created_at      timestamptz(3) NOT NULL,
  updated_at      timestamptz(3) NOT NULL,
  CONSTRAINT job_name_is_taken UNIQUE (name),
  CONSTRAINT job_priority_is_known CHECK (priority BETWEEN 0 AND 3),
  CONSTRAINT job_retries_are_bounded CHECK (retries BETWEEN 0 AND 100),
  CONSTRAINT job_takes_at_most_a_day CHECK (timeout_ms BETWEEN 100 AND 82800000),
  CONSTRAINT job_concurrency_is_bounded CHECK (concurrency BETWEEN 1 AND 100),
  CONSTRAINT job_overlap_is_known CHECK (overlap IN ('skip', 'queue', 'cancel')),
  CONSTRAINT job_catch_up_is_known CHECK (catch_up IN ('skip', 'once', 'all')),
  CONSTRAINT job_catch_up_is_bounded CHECK (catch_up_max BETWEEN 1 AND 1000),
  CONSTRAINT job_after_failure_is_known CHECK (after_failure IN ('skip', 'run', 'hold')),
  CONSTRAINT job_cache_is_never_negative CHECK (cache_for_ms >= 0),
  CONSTRAINT job_history_is_kept_a_while CHECK (keep_days BETWEEN 1 AND 3650)
);

-- What changes with each tick and each run, apart from job, which people change. Whoever makes a run by a schedule holds
-- this row: overlap is decided by one at a time.
CREATE TABLE job_state (
  job_id        uuid PRIMARY KEY REFERENCES job ON DELETE CASCADE,
  -- The next tick; null: none.
  next_at       timestamptz(3),
  run_count     bigint NOT NULL DEFAULT 0,
  success_count bigint NOT NULL DEFAULT 0,
  failure_count bigint NOT NULL DEFAULT 0,
  -- Of a duty that runs all the time, with no row for each run.
  last_at       timestamptz(3),
  last_result   jsonb
) WITH (fillfactor = 50);
CREATE INDEX job_state_next ON job_state (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE job_dependency (
  job_id     uuid NOT NULL REFERENCES job ON DELETE CASCADE,
  depends_on uuid NOT NULL REFERENCES job ON DELETE RESTRICT,
  PRIMARY KEY (job_id, depends_on),
  CONSTRAINT job_never_waits_for_itself CHECK (job_id <> depends_on)
);
CREATE INDEX job_dependency_dependents ON job_dependency (depends_on);

CREATE TABLE run (
  id                  uuid PRIMARY KEY,
  job_id              uuid NOT NULL REFERENCES job ON DELETE CASCADE,
  type                text COLLATE "C" NOT NULL,
  -- The runs of one pass through a graph of jobs share it.
  cycle_id            uuid NOT NULL,
  status              text COLLATE "C" NOT NULL,
  priority            smallint NOT NULL,
  -- By how much it has risen by waiting.
  raised              smallint NOT NULL DEFAULT 0,
  trigger             text COLLATE "C" NOT NULL,
  started_by          text NOT NULL,
  -- The instant of the schedule that it stands for.
  tick                timestamptz(3),
  config              jsonb NOT NULL,
  attempts_max        integer NOT NULL,
  attempt             integer NOT NULL DEFAULT 0,
  timeout_ms          bigint NOT NULL,
  -- Not before.
  due_at              timestamptz(3) NOT NULL,
  created_at          timestamptz(3) NOT NULL,
  started_at          timestamptz(3),
  attempt_started_at  timestamptz(3),
  finished_at         timestamptz(3),
  -- Its place in the queue, while it has one.
  ticket_id           uuid,
  -- Rises with each attempt: who holds an older one writes nothing.
  fence               bigint NOT NULL DEFAULT 0,
  worker              text,
  cancel_requested_by text,
  deadline            timestamptz(3),
  deadline_state      text NOT NULL DEFAULT 'none',
  percent             real,
  progress_message    text,
  result              jsonb,
  -- {code, message}
  error               jsonb,
  -- Why it was skipped or is held.
  reason              text,
  -- The run whose result it took over.
  cached_from         uuid,
  log_lines           integer NOT NULL DEFAULT 0,
  CONSTRAINT run_status_is_known
    CHECK (status IN ('held', 'queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled', 'skipped')),
  CONSTRAINT run_trigger_is_known CHECK (trigger IN ('schedule', 'catch_up', 'request', 'dependency')),
  CONSTRAINT run_ends_at_a_time
    CHECK ((status IN ('succeeded', 'failed', 'cancelled', 'skipped')) = (finished_at IS NOT NULL)),
  CONSTRAINT run_that_may_be_taken_has_a_ticket
    CHECK ((status IN ('queued', 'running', 'retrying')) = (ticket_id IS NOT NULL)),
  CONSTRAINT run_that_runs_has_a_worker CHECK ((status = 'running') = (worker IS NOT NULL)),
  CONSTRAINT run_fails_for_a_reason CHECK (status <> 'failed' OR error IS NOT NULL),
  CONSTRAINT run_percent_is_a_percentage CHECK (percent BETWEEN 0 AND 100),
  CONSTRAINT run_deadline_state_is_known CHECK (deadline_state IN ('none', 'ahead', 'at_risk', 'missed', 'kept')),
  CONSTRAINT run_has_a_deadline_to_keep CHECK ((deadline IS NULL) = (deadline_state = 'none'))
) WITH (fillfactor = 70);
-- A tick fires once, whichever instances saw it.
CREATE UNIQUE INDEX run_stands_alone_for_its_tick ON run (job_id, tick) WHERE tick IS NOT NULL;
-- In a cycle a job runs once after its dependencies.
CREATE UNIQUE INDEX run_follows_its_dependencies_once ON run (cycle_id, job_id);
CREATE UNIQUE INDEX run_of_ticket ON run (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX run_of_job ON run (job_id, id);
CREATE INDEX run_status ON run (status, id);
CREATE INDEX run_open_of_job ON run (job_id, id) WHERE finished_at IS NULL;
CREATE INDEX run_with_deadline ON run (deadline) WHERE deadline_state IN ('ahead', 'at_risk') AND finished_at IS NULL;
CREATE INDEX run_finished ON run (job_id, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE run_attempt (
  run_id      uuid NOT NULL REFERENCES run ON DELETE CASCADE,
  attempt     integer NOT NULL,
  fence       bigint NOT NULL,
  worker      text NOT NULL,
  started_at  timestamptz(3) NOT NULL,
  finished_at timestamptz(3),
  outcome     text COLLATE "C",
  error       jsonb,
  PRIMARY KEY (run_id, fence),
  CONSTRAINT run_attempt_outcome_is_known
    CHECK (outcome IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'handed_over')),
  CONSTRAINT run_attempt_ends_with_an_outcome CHECK ((outcome IS NULL) = (finished_at IS NULL))
);

CREATE TABLE run_log (
  run_id  uuid NOT NULL REFERENCES run ON DELETE CASCADE,
  line    integer NOT NULL,
  at      timestamptz(3) NOT NULL,
  attempt integer NOT NULL,
  level   text COLLATE "C" NOT NULL,
  message text NOT NULL,
  PRIMARY KEY (run_id, line),
  CONSTRAINT run_log_level_is_known CHECK (level IN ('info', 'warn', 'error'))
);

-- What a run did exactly once, in the transaction that did it.
CREATE TABLE run_effect (
  run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
  key    text COLLATE "C" NOT NULL,
  result jsonb,
  at     timestamptz(3) NOT NULL,
  PRIMARY KEY (run_id, key)
);

-- Files that a run made, in pieces, so that neither writer nor reader holds one whole.
CREATE TABLE run_file (
  run_id     uuid NOT NULL REFERENCES run ON DELETE CASCADE,
  name       text COLLATE "C" NOT NULL,
  media_type text NOT NULL,
  size       bigint NOT NULL,
  pieces     integer NOT NULL,
  -- The attempt that wrote it.
  fence      bigint NOT NULL,
  at         timestamptz(3) NOT NULL,
  PRIMARY KEY (run_id, name)
);
CREATE TABLE run_file_piece (
  run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
  name   text COLLATE "C" NOT NULL,
  fence  bigint NOT NULL,
  piece  integer NOT NULL,
  bytes  bytea NOT NULL,
  PRIMARY KEY (run_id, name, fence, piece)
);

CREATE INDEX journal_entry_audit_jobs ON journal_entry (id)
  WHERE kind IN ('job.created', 'job.updated', 'job.deleted', 'run.requested', 'run.cancel_requested', 'run.redriven',
    'run.released');

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON job, job_state, job_dependency, run, run_attempt, run_log, run_effect,
    run_file, run_file_piece TO holdfast_app;
END $$;
