-- Webhooks: who is told of events by HTTP, how far each endpoint has been told, and the log of it.

CREATE TABLE webhook (
  id              uuid PRIMARY KEY,
  url             text NOT NULL,
  -- Types of events, such as stock.changed, reservation.* or *.
  events          text[] NOT NULL,
  -- None: all.
  topics          text[] NOT NULL,
  enabled         boolean NOT NULL,
  disabled_reason text,
  version         bigint NOT NULL DEFAULT 1,
  created_at      timestamptz(3) NOT NULL,
  updated_at      timestamptz(3) NOT NULL,
  CONSTRAINT webhook_asks_for_something CHECK (cardinality(events) > 0),
  CONSTRAINT webhook_disabled_reason_is_known CHECK (disabled_reason IN ('request', 'gone', 'unreachable')),
  CONSTRAINT webhook_is_disabled_for_a_reason CHECK (enabled = (disabled_reason IS NULL))
);

-- What signs. A secret that was replaced signs beside its successor until it retires, so that a receiver can change over
-- without a gap.
CREATE TABLE webhook_secret (
  id         uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
  secret     bytea NOT NULL,
  created_at timestamptz(3) NOT NULL,
  retires_at timestamptz(3),
  CONSTRAINT webhook_secret_has_24_to_64_bytes CHECK (octet_length(secret) BETWEEN 24 AND 64)
);
CREATE INDEX webhook_secret_of_webhook ON webhook_secret (webhook_id);
CREATE UNIQUE INDEX webhook_has_one_lasting_secret ON webhook_secret (webhook_id) WHERE retires_at IS NULL;

-- How far an endpoint has been told, and who tells it. One instance at a time holds the lease, by the database's clock;
-- each holder has a higher fence than the last, and whatever a holder writes, it writes only under its own fence: one
-- that was paused and comes back writes nothing over its successor's. Apart from webhook, which requests change.
CREATE TABLE webhook_progress (
  webhook_id      uuid PRIMARY KEY REFERENCES webhook ON DELETE CASCADE,
  -- All events up to here were delivered, or stand in webhook_delivery.
  position        bigint NOT NULL,
  -- Rises with each replay: its holder then looks for the deliveries that it made.
  replays         bigint NOT NULL DEFAULT 0,
  -- The last stretch of the stream that was gone before it could be told.
  missed_from     bigint,
  missed_to       bigint,
  failures_in_row integer NOT NULL DEFAULT 0,
  failing_since   timestamptz(3),
  -- The circuit is open: nothing is sent before.
  probe_at        timestamptz(3),
  fence           bigint NOT NULL DEFAULT 0,
  lease_holder    uuid,
  lease_until     timestamptz(3),
  CONSTRAINT webhook_progress_never_leaves_the_stream CHECK (position >= 0),
  CONSTRAINT webhook_progress_missed_a_whole_stretch CHECK ((missed_from IS NULL) = (missed_to IS NULL)),
  CONSTRAINT webhook_progress_fails_since_a_time CHECK ((failures_in_row = 0) = (failing_since IS NULL))
) WITH (fillfactor = 50);

-- One event for one endpoint: the log of what was delivered, and the queue of what was not yet. An event that was
-- delivered at once is only logged; one that failed, and those of its subject behind it, wait here with their body.
CREATE TABLE webhook_delivery (
  id               uuid PRIMARY KEY,
  webhook_id       uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
  position         bigint NOT NULL,
  type             text COLLATE "C" NOT NULL,
  subject          text COLLATE "C" NOT NULL,
  event_at         timestamptz(3) NOT NULL,
  is_replay        boolean NOT NULL,
  status           text COLLATE "C" NOT NULL,
  attempts         integer NOT NULL,
  -- Failed attempts since the endpoint was last dead as a whole.
  refusals         integer NOT NULL,
  -- The last attempts, as the API shows them.
  history          jsonb NOT NULL,
  -- The event, until it was delivered.
  body             text,
  created_at       timestamptz(3) NOT NULL,
  first_attempt_at timestamptz(3),
  next_attempt_at  timestamptz(3),
  finished_at      timestamptz(3),
  CONSTRAINT webhook_delivery_status_is_known CHECK (status IN ('pending', 'delivered', 'set_aside', 'failed')),
  CONSTRAINT webhook_delivery_ends_at_a_time CHECK ((status = 'pending') = (finished_at IS NULL)),
  CONSTRAINT webhook_delivery_has_a_body_until_delivered CHECK (status = 'delivered' OR body IS NOT NULL),
  CONSTRAINT webhook_delivery_was_attempted_at_a_time CHECK ((attempts = 0) = (first_attempt_at IS NULL))
);
CREATE INDEX webhook_delivery_newest ON webhook_delivery (webhook_id, id);
CREATE INDEX webhook_delivery_status ON webhook_delivery (webhook_id, status, id);

CREATE INDEX journal_entry_audit_webhooks ON journal_entry (id)
  WHERE kind IN ('webhook.created', 'webhook.updated', 'webhook.deleted', 'webhook.enabled', 'webhook.disabled',
    'webhook.secret_rotated', 'webhook.replayed');

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON webhook, webhook_secret, webhook_progress, webhook_delivery TO holdfast_app;
END $$;
