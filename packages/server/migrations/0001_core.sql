-- The core: catalog, locations, levels, reservations, transfers, alerts, the ledger and the journal.
--
-- Shape rules (docs/ARCHITECTURE.md): tables that hold stock carry the product's key first, so that they can be
-- distributed by it; no foreign key joins tables that would be distributed differently; nothing is kept right by a
-- trigger; text that is unique or sorted is COLLATE "C"; times are whole milliseconds, as the API shows them.

-- The law of one value stands in its type, the law between values in a constraint. As constraints of the tables, the
-- rules of single values were read again from text by every statement: 28 of them were 12 of the 67 µs of a reserve.
CREATE DOMAIN units AS bigint
  CONSTRAINT units_are_never_negative CHECK (VALUE >= 0)
  CONSTRAINT units_are_in_range CHECK (VALUE <= 1000000000000);
CREATE DOMAIN sku_or_code AS text COLLATE "C"
  CONSTRAINT name_has_only_allowed_characters CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$');
CREATE DOMAIN unit_cost AS numeric(14, 4)
  CONSTRAINT unit_cost_is_in_range CHECK (VALUE BETWEEN 0 AND 1000000000);
CREATE DOMAIN flag_bits AS smallint CONSTRAINT flag_bits_are_known CHECK (VALUE BETWEEN 0 AND 15);
CREATE DOMAIN reservation_status AS text CONSTRAINT reservation_status_is_known
  CHECK (VALUE IN ('pending', 'confirmed', 'shipped', 'cancelled', 'expired'));
CREATE DOMAIN reservation_type AS text CONSTRAINT reservation_type_is_known
  CHECK (VALUE IN ('order', 'cart', 'manual'));
CREATE DOMAIN line_state AS text CONSTRAINT line_state_is_known
  CHECK (VALUE IN ('held', 'committed', 'closed', 'expired'));
CREATE DOMAIN movement_type AS text CONSTRAINT movement_type_is_known CHECK (VALUE IN (
  'receipt', 'sale', 'return', 'adjustment', 'transfer_out', 'transfer_in', 'damage', 'theft', 'spoilage', 'count',
  'opening', 'reserve', 'release', 'expire', 'commit', 'uncommit'));

CREATE TABLE product (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku              sku_or_code NOT NULL,
  name             text COLLATE "C" NOT NULL,
  description      text,
  category         text COLLATE "C",
  attributes       jsonb,
  unit_cost        unit_cost,
  reorder_point    units,
  reorder_quantity units,
  max_level        units,
  safety_stock     units NOT NULL DEFAULT 0,
  version          bigint NOT NULL DEFAULT 1,
  created_at       timestamptz(3) NOT NULL,
  updated_at       timestamptz(3) NOT NULL,
  archived_at      timestamptz(3),
  CONSTRAINT product_sku_is_unique UNIQUE (sku)
);
CREATE INDEX product_category ON product (category, sku);
CREATE INDEX product_created ON product (created_at, id);
CREATE INDEX product_updated ON product (updated_at, id);
CREATE INDEX product_name ON product (name, id);

CREATE TABLE location (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code        sku_or_code NOT NULL,
  name        text COLLATE "C" NOT NULL,
  type        text NOT NULL,
  address     jsonb,
  lat         double precision,
  lng         double precision,
  priority    integer NOT NULL DEFAULT 100,
  active      boolean NOT NULL DEFAULT true,
  version     bigint NOT NULL DEFAULT 1,
  created_at  timestamptz(3) NOT NULL,
  updated_at  timestamptz(3) NOT NULL,
  archived_at timestamptz(3),
  CONSTRAINT location_code_is_unique UNIQUE (code),
  CONSTRAINT location_type_is_known CHECK (type IN ('warehouse', 'store', 'supplier', 'virtual')),
  CONSTRAINT location_coordinates_come_in_pairs CHECK ((lat IS NULL) = (lng IS NULL)),
  CONSTRAINT location_lat_is_in_range CHECK (lat BETWEEN -90 AND 90),
  CONSTRAINT location_lng_is_in_range CHECK (lng BETWEEN -180 AND 180)
);

-- One product at one location: the row that every rule of stock protects. It carries all that a decision needs, with
-- the settings as they are in force. No index stands on a column that a reserve changes, so that with a fillfactor of
-- 70 nearly every update stays on its page (HOT); the is_… columns change only when the level changes its class.
CREATE TABLE level (
  product_id       bigint NOT NULL REFERENCES product,
  location_id      bigint NOT NULL REFERENCES location,
  on_hand          units NOT NULL DEFAULT 0,
  reserved         units NOT NULL DEFAULT 0,
  committed        units NOT NULL DEFAULT 0,
  incoming         units NOT NULL DEFAULT 0,
  safety_stock     units NOT NULL DEFAULT 0,
  reorder_point    units,
  reorder_quantity units,
  max_level        units,
  -- Which settings are the level's own and no longer follow the product: 1 reorder point, 2 reorder quantity,
  -- 4 max level, 8 safety stock.
  own_settings     flag_bits NOT NULL DEFAULT 0,
  zone             text,
  aisle            text,
  shelf            text,
  -- Which alerts are open: 1 low_stock, 2 out_of_stock, 4 overstock, 8 shortage. A decision needs no look at alert.
  open_alerts      flag_bits NOT NULL DEFAULT 0,
  -- A level that never had anything to sell is not out of stock: it never was in.
  was_available    boolean NOT NULL DEFAULT false,
  version          bigint NOT NULL DEFAULT 1,
  last_movement_at timestamptz(3),
  last_count_at    timestamptz(3),
  is_low   boolean NOT NULL GENERATED ALWAYS AS (
    on_hand - reserved - committed - safety_stock > 0
    AND on_hand - reserved - committed - safety_stock <= coalesce(reorder_point, 0)) STORED,
  is_out   boolean NOT NULL GENERATED ALWAYS AS (on_hand - reserved - committed - safety_stock <= 0) STORED,
  is_over  boolean NOT NULL GENERATED ALWAYS AS (on_hand > coalesce(max_level, 1000000000000)) STORED,
  is_short boolean NOT NULL GENERATED ALWAYS AS (reserved + committed > on_hand) STORED,
  PRIMARY KEY (product_id, location_id)
) WITH (fillfactor = 70);
CREATE INDEX level_by_location ON level (location_id, product_id);
CREATE INDEX level_low ON level (product_id, location_id) WHERE is_low;
CREATE INDEX level_out ON level (product_id, location_id) WHERE is_out;
CREATE INDEX level_over ON level (product_id, location_id) WHERE is_over;
CREATE INDEX level_short ON level (product_id, location_id) WHERE is_short;

-- Ids are UUIDv7 of the database's time: descending ids are newest first, with no further index.
-- product_ids lists the products of the lines, which lead the lines' key.
CREATE TABLE reservation (
  id            uuid PRIMARY KEY,
  status        reservation_status NOT NULL,
  type          reservation_type NOT NULL,
  order_id      text COLLATE "C",
  user_id       text COLLATE "C",
  product_ids   bigint[] NOT NULL,
  cancel_reason text,
  expires_at    timestamptz(3) NOT NULL,
  created_at    timestamptz(3) NOT NULL,
  confirmed_at  timestamptz(3),
  shipped_at    timestamptz(3),
  cancelled_at  timestamptz(3),
  expired_at    timestamptz(3),
  version       bigint NOT NULL DEFAULT 1,
  CONSTRAINT reservation_outlives_its_creation CHECK (expires_at >= created_at),
  CONSTRAINT reservation_expired_when_its_time_came CHECK ((status = 'expired') = (expired_at IS NOT NULL)),
  CONSTRAINT reservation_has_a_product CHECK (cardinality(product_ids) > 0)
) WITH (fillfactor = 85);
CREATE INDEX reservation_pending ON reservation (expires_at, id) WHERE status = 'pending';
CREATE INDEX reservation_order ON reservation (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX reservation_user ON reservation (user_id, id) WHERE user_id IS NOT NULL;

-- A line is changed only by a holder of its level's lock. `state` says what its open units
-- (quantity - shipped - cancelled) count as: held ones are in the level's reserved, committed ones in committed.
-- expires_at repeats the reservation's while the line is held: a level finds its lapsed lines without a join.
CREATE TABLE reservation_line (
  product_id     bigint NOT NULL,
  reservation_id uuid NOT NULL,
  line_no        integer NOT NULL,
  line           integer NOT NULL,
  location_id    bigint,
  quantity       units NOT NULL,
  requested      units NOT NULL,
  shipped        units NOT NULL DEFAULT 0,
  cancelled      units NOT NULL DEFAULT 0,
  state          line_state NOT NULL,
  expires_at     timestamptz(3) NOT NULL,
  attributes     jsonb,
  PRIMARY KEY (product_id, reservation_id, line_no),
  CONSTRAINT line_gives_no_more_than_it_has CHECK (shipped + cancelled <= quantity),
  CONSTRAINT line_is_closed_when_nothing_is_open CHECK (state <> 'closed' OR shipped + cancelled = quantity),
  CONSTRAINT line_that_holds_units_has_a_location CHECK (location_id IS NOT NULL OR quantity = 0),
  CONSTRAINT line_ships_only_what_was_committed CHECK (shipped = 0 OR state IN ('committed', 'closed'))
) WITH (fillfactor = 85);
CREATE INDEX reservation_line_held ON reservation_line (product_id, location_id, expires_at) WHERE state = 'held';
CREATE INDEX reservation_line_committed ON reservation_line (product_id, location_id) WHERE state = 'committed';

-- Numbers of ledger and journal entries, in blocks of 4,096 taken after the locks: they rise per level in the order of
-- effect. At a thousand batches a second they stay exact in a JSON number for 70 years.
CREATE SEQUENCE entry_seq AS bigint INCREMENT BY 4096 START WITH 4096;

-- What changed at a level, by how much, the balances after it, why, and who did it. Append-only: the serving role can
-- neither update nor delete. `at` leads the order within a level, so that "as it was at" is one index step.
CREATE TABLE ledger_entry (
  seq             bigint NOT NULL,
  at              timestamptz(3) NOT NULL,
  type            movement_type NOT NULL,
  product_id      bigint NOT NULL,
  location_id     bigint NOT NULL,
  delta_on_hand   bigint NOT NULL,
  delta_reserved  bigint NOT NULL,
  delta_committed bigint NOT NULL,
  on_hand         units NOT NULL,
  reserved        units NOT NULL,
  committed       units NOT NULL,
  reference_type  text COLLATE "C",
  reference_id    text COLLATE "C",
  reason          text,
  notes           text,
  unit_cost       numeric(14, 4),
  lot             text COLLATE "C",
  actor           text COLLATE "C" NOT NULL,
  PRIMARY KEY (product_id, location_id, at, seq),
  CONSTRAINT ledger_balances_before_are_never_negative CHECK (
    on_hand - delta_on_hand >= 0 AND reserved - delta_reserved >= 0 AND committed - delta_committed >= 0),
  CONSTRAINT ledger_reserve_takes_only_what_is_there CHECK (
    type <> 'reserve' OR (delta_reserved > 0 AND reserved + committed <= on_hand AND delta_on_hand = 0)),
  CONSTRAINT ledger_reference_is_whole CHECK ((reference_type IS NULL) = (reference_id IS NULL))
) PARTITION BY RANGE (at);
CREATE INDEX ledger_entry_newest ON ledger_entry (at, seq);
-- Entries of a reservation are reached through its products; those of callers' own references need an index.
CREATE INDEX ledger_entry_reference ON ledger_entry (reference_id, reference_type, at, seq)
  WHERE reference_type IS NOT NULL AND reference_type <> 'reservation';
-- Of the common types a walk through the newest finds a page at once; the rare ones took a second without it.
CREATE INDEX ledger_entry_type ON ledger_entry (type, at, seq)
  WHERE type NOT IN ('reserve', 'release', 'expire', 'commit', 'sale');
CREATE INDEX ledger_entry_lot ON ledger_entry (lot, at, seq) WHERE lot IS NOT NULL;

-- Every accepted command: what was asked, by whom, what it did. The events of the stream are read from here.
CREATE TABLE journal_entry (
  id             bigint NOT NULL,
  at             timestamptz(3) NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  actor          text COLLATE "C" NOT NULL,
  request_id     text,
  -- What it was about: the reservation's or transfer's id, the sku, the location's code, the key's id.
  subject        text COLLATE "C" NOT NULL,
  -- Its ledger entries are those with a seq from ledger_from, ledger_count of them.
  ledger_from    bigint,
  ledger_count   integer NOT NULL DEFAULT 0,
  -- The resource as the command left it, as the API shows it.
  data           text,
  PRIMARY KEY (id, at),
  CONSTRAINT journal_ledger_range_is_whole CHECK ((ledger_from IS NULL) = (ledger_count = 0))
) PARTITION BY RANGE (at);
CREATE INDEX journal_entry_audit ON journal_entry (id)
  WHERE kind IN ('product.created', 'product.updated', 'product.archived', 'location.created', 'location.updated',
    'location.archived', 'level.updated', 'api_key.created', 'api_key.revoked', 'alert.acknowledged');

-- The answers of commands that carried an Idempotency-Key, written with their effect and kept for 24 hours. A request
-- of many items has one row per chunk.
CREATE TABLE idempotency_key (
  owner        text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  chunk        integer NOT NULL DEFAULT 0,
  request_hash text COLLATE "C" NOT NULL,
  status       smallint NOT NULL,
  headers      jsonb,
  body         text,
  created_at   timestamptz(3) NOT NULL,
  PRIMARY KEY (owner, key, chunk)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

CREATE TABLE transfer (
  id             uuid PRIMARY KEY,
  status         text NOT NULL,
  mode           text NOT NULL,
  from_id        bigint NOT NULL REFERENCES location,
  to_id          bigint NOT NULL REFERENCES location,
  reference_type text COLLATE "C",
  reference_id   text COLLATE "C",
  created_at     timestamptz(3) NOT NULL,
  version        bigint NOT NULL DEFAULT 1,
  CONSTRAINT transfer_moves_between_two_places CHECK (from_id <> to_id),
  CONSTRAINT transfer_status_is_known CHECK (status IN ('completed')),
  CONSTRAINT transfer_mode_is_known CHECK (mode IN ('immediate')),
  CONSTRAINT transfer_reference_is_whole CHECK ((reference_type IS NULL) = (reference_id IS NULL))
);

CREATE TABLE transfer_line (
  transfer_id uuid NOT NULL REFERENCES transfer,
  line_no     integer NOT NULL,
  product_id  bigint NOT NULL,
  quantity    bigint NOT NULL,
  PRIMARY KEY (transfer_id, line_no),
  CONSTRAINT transfer_line_moves_something CHECK (quantity > 0)
);

-- A condition of a level that a person should know. At most one is open per level and type.
CREATE TABLE alert (
  id              uuid PRIMARY KEY,
  type            text NOT NULL,
  status          text NOT NULL,
  product_id      bigint NOT NULL,
  location_id     bigint NOT NULL,
  threshold       bigint,
  value           bigint NOT NULL,
  opened_at       timestamptz(3) NOT NULL,
  acknowledged_at timestamptz(3),
  acknowledged_by text COLLATE "C",
  resolved_at     timestamptz(3),
  CONSTRAINT alert_type_is_known CHECK (type IN ('low_stock', 'out_of_stock', 'overstock', 'shortage')),
  CONSTRAINT alert_status_is_known CHECK (status IN ('active', 'acknowledged', 'resolved')),
  CONSTRAINT alert_is_resolved_at_a_time CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
  CONSTRAINT alert_is_acknowledged_by_someone CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE UNIQUE INDEX alert_is_open_once ON alert (product_id, location_id, type) WHERE status <> 'resolved';
CREATE INDEX alert_open ON alert (id) WHERE status <> 'resolved';
CREATE INDEX alert_product ON alert (product_id, id);

CREATE TABLE api_key (
  id           uuid PRIMARY KEY,
  name         text NOT NULL,
  scopes       text[] NOT NULL,
  prefix       text NOT NULL,
  hash         bytea NOT NULL,
  expires_at   timestamptz(3),
  created_at   timestamptz(3) NOT NULL,
  last_used_at timestamptz(3),
  revoked_at   timestamptz(3),
  CONSTRAINT api_key_hash_is_unique UNIQUE (hash),
  CONSTRAINT api_key_hash_is_sha256 CHECK (octet_length(hash) = 32),
  CONSTRAINT api_key_has_a_scope CHECK (cardinality(scopes) > 0)
);

-- What the engine's one write takes: an array of these per table. Types of their own, so that a column can be added to a
-- table while instances of the last version still write. Times are seconds since the epoch.
CREATE TYPE level_write AS (
  product_id bigint, location_id bigint, on_hand bigint, reserved bigint, committed bigint, open_alerts smallint,
  was_available boolean, version bigint, last_movement_at double precision, last_count_at double precision
);
CREATE TYPE reservation_write AS (
  id uuid, type text, order_id text, user_id text, product_ids bigint[], expires_at double precision
);
CREATE TYPE line_write AS (
  product_id bigint, reservation_id uuid, line_no integer, line integer, location_id bigint, quantity bigint,
  requested bigint, state text, expires_at double precision, attributes jsonb
);
CREATE TYPE ledger_write AS (
  seq bigint, at double precision, type text, product_id bigint, location_id bigint, delta_on_hand bigint,
  delta_reserved bigint, delta_committed bigint, on_hand bigint, reserved bigint, committed bigint, reference_type text,
  reference_id text, reason text, notes text, unit_cost numeric, lot text, actor text
);
CREATE TYPE journal_write AS (
  id bigint, kind text, actor text, request_id text, subject text, ledger_from bigint, ledger_count integer
);

-- Monthly partitions, made ahead. The function runs as the owner of the schema, so that the serving role, which may not
-- create tables, can still call it every day; the default partitions are a net that should stay empty.
CREATE TABLE ledger_entry_default PARTITION OF ledger_entry DEFAULT;
CREATE TABLE journal_entry_default PARTITION OF journal_entry DEFAULT;

CREATE FUNCTION make_partitions(months_ahead integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent text;
  month  timestamp;
  name   text;
  made   integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('holdfast make_partitions', 0));
  FOREACH parent IN ARRAY ARRAY['ledger_entry', 'journal_entry'] LOOP
    FOR i IN -1..months_ahead LOOP
      month := date_trunc('month', timezone('UTC', clock_timestamp())) + make_interval(months => i);
      name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
      IF to_regclass(quote_ident(name)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
          to_char(month, 'YYYY-MM-DD"T00:00:00Z"'),
          to_char(month + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"'));
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION make_partitions(integer) FROM PUBLIC;
SELECT make_partitions(3);

-- The serving role. Where the owner may not create roles, the server says at start that it serves as the owner.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN
    CREATE ROLE holdfast_app NOLOGIN;
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN RAISE NOTICE 'holdfast_app was not created: no permission to create roles';
  WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_app') THEN RETURN; END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO holdfast_app', current_schema());
  GRANT SELECT, INSERT, UPDATE ON product, location, level, reservation, reservation_line, transfer, transfer_line,
    alert, api_key TO holdfast_app;
  -- A pending reservation's lines can be replaced; nothing else of stock is ever deleted.
  GRANT DELETE ON reservation_line TO holdfast_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO holdfast_app;
  GRANT SELECT, INSERT ON ledger_entry, journal_entry TO holdfast_app;
  GRANT USAGE, SELECT ON SEQUENCE entry_seq TO holdfast_app;
  GRANT EXECUTE ON FUNCTION make_partitions(integer) TO holdfast_app;
  IF NOT pg_has_role(current_user, 'holdfast_app', 'MEMBER') THEN
    GRANT holdfast_app TO CURRENT_USER;
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN RAISE NOTICE 'holdfast_app was not granted: no permission to grant it';
END $$;
