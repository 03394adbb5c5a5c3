import { insertInto, REFUSED_RUNS } from './refused-runs.table.ts';

const SOME_ID = "'0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c'";
const person = (values: Record<string, string>): string =>
  insertInto('person', {
    id: SOME_ID,
    login: "'Ada'",
    login_key: "'ada'",
    name: "'Ada'",
    scopes: "'{read}'",
    password_hash: "'$argon2id$'",
    created_at: 'now()',
    ...values,
  });
const sessionRow = (values: Record<string, string>): string =>
  insertInto('person_session', {
    id: SOME_ID,
    person_id: SOME_ID,
    token_hash: "sha256('token')",
    created_at: 'now()',
    last_seen_at: 'now()',
    idle_ends_at: 'now()',
    ends_at: 'now()',
    address: "'::1'",
    network: "'::/64'",
    ...values,
  });
const session = (values: Record<string, string>): string => `${person({})}; ${sessionRow(values)}`;

const LEVEL = 'WHERE product_id = 1 AND location_id = 1';
const held = (set: string): string => `UPDATE reservation_line SET ${set} WHERE state = 'held'`;
const committed = (set: string): string => `UPDATE reservation_line SET ${set} WHERE state = 'committed'`;
const entry = (values: Record<string, string | number>): string => {
  const all = {
    seq: 1,
    at: 'clock_timestamp()',
    type: "'adjustment'",
    product_id: 1,
    location_id: 1,
    delta_on_hand: 0,
    delta_reserved: 0,
    delta_committed: 0,
    on_hand: 10,
    reserved: 0,
    committed: 0,
    actor: "'open'",
    ...values,
  };
  return insertInto('ledger_entry', all);
};
const journal = (from: string, count: number): string =>
  `INSERT INTO journal_entry (id, at, kind, actor, subject, ledger_from, ledger_count)
   VALUES (1, clock_timestamp(), 'stock.adjusted', 'open', 'SKU-1', ${from}, ${count})`;

/** Names something new, or nothing: checks come before the look for what a row refers to. */
const ID = 'gen_random_uuid()';
const webhook = (values: Record<string, string>): string =>
  insertInto('webhook', {
    id: ID,
    url: "'https://shop.example/'",
    events: "'{*}'",
    topics: "'{}'",
    enabled: 'true',
    created_at: 'now()',
    updated_at: 'now()',
    ...values,
  });
const secret = (values: Record<string, string>): string =>
  insertInto('webhook_secret', {
    id: ID,
    webhook_id: SOME_ID,
    secret: "sha256('secret')",
    created_at: 'now()',
    ...values,
  });
const progress = (values: Record<string, string | number>): string =>
  insertInto('webhook_progress', { webhook_id: ID, position: 0, ...values });
const delivery = (values: Record<string, string | number>): string =>
  insertInto('webhook_delivery', {
    id: ID,
    webhook_id: ID,
    position: 1,
    type: "'stock.changed'",
    subject: "'SKU-1'",
    event_at: 'now()',
    is_replay: 'false',
    status: "'pending'",
    attempts: 0,
    refusals: 0,
    history: "'[]'",
    body: "'{}'",
    created_at: 'now()',
    ...values,
  });

const batch = (values: Record<string, string | number>): string =>
  insertInto('event_batch', {
    first_id: 40_960_000,
    last_id: 40_960_004,
    at: 'now()',
    ledger_until: 'now()',
    ...values,
  });
const rule = (set: string): string => `UPDATE rate_limit SET ${set} WHERE name = 'Each API key'`;
const window = (set: string): string => `UPDATE rate_limit SET ${set} WHERE algorithm = 'sliding_window'`;

/** What is wrong, what a bug would write, and the constraint that it meets. */
export const REFUSED: readonly (readonly [string, string, string])[] = [
  // Levels
  ['more sold than is there', `UPDATE level SET on_hand = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['stock beyond 10^12', `UPDATE level SET on_hand = 1000000000001 ${LEVEL}`, 'units_are_in_range'],
  ['a hold given back twice', `UPDATE level SET reserved = reserved - 4 ${LEVEL}`, 'units_are_never_negative'],
  ['a shipment counted twice', `UPDATE level SET committed = committed - 3 ${LEVEL}`, 'units_are_never_negative'],
  ['less than nothing on its way', `UPDATE level SET incoming = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['a negative safety stock', `UPDATE level SET safety_stock = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['a negative reorder point', `UPDATE level SET reorder_point = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['a negative reorder quantity', `UPDATE level SET reorder_quantity = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['a negative max level', `UPDATE level SET max_level = -1 ${LEVEL}`, 'units_are_never_negative'],
  ['a setting of one’s own that is none', `UPDATE level SET own_settings = 16 ${LEVEL}`, 'flag_bits_are_known'],
  [
    'settings of one’s own that are fewer than none',
    `UPDATE level SET own_settings = -1 ${LEVEL}`,
    'flag_bits_are_known',
  ],
  ['an open alert that is none', `UPDATE level SET open_alerts = 16 ${LEVEL}`, 'flag_bits_are_known'],
  ['a level twice', 'INSERT INTO level (product_id, location_id) VALUES (1, 1)', 'level_pkey'],
  ['a level of no product', 'INSERT INTO level (product_id, location_id) VALUES (99, 1)', 'level_product_id_fkey'],
  ['a level at no location', 'INSERT INTO level (product_id, location_id) VALUES (1, 99)', 'level_location_id_fkey'],
  // Lines
  ['a line with a state of its own', held(`state = 'lost'`), 'line_state_is_known'],
  ['less than nothing held', held('requested = -1'), 'units_are_never_negative'],
  ['less than nothing cancelled', held('cancelled = -1'), 'units_are_never_negative'],
  ['more shipped than was promised', committed('shipped = quantity + 1'), 'line_gives_no_more_than_it_has'],
  ['shipped and cancelled', committed('shipped = quantity, cancelled = 1'), 'line_gives_no_more_than_it_has'],
  ['a line that is closed with open units', held(`state = 'closed'`), 'line_is_closed_when_nothing_is_open'],
  ['units held nowhere', held('location_id = NULL'), 'line_that_holds_units_has_a_location'],
  ['a shipment from a hold', held('shipped = 1'), 'line_ships_only_what_was_committed'],
  ['a line twice', 'INSERT INTO reservation_line SELECT * FROM reservation_line LIMIT 1', 'reservation_line_pkey'],
  // Reservations
  ['a status that is none', `UPDATE reservation SET status = 'open'`, 'reservation_status_is_known'],
  ['a type that is none', `UPDATE reservation SET type = 'web'`, 'reservation_type_is_known'],
  [
    'one that lapsed before it was made',
    `UPDATE reservation SET expires_at = created_at - interval '1 s'`,
    'reservation_outlives_its_creation',
  ],
  ['an expiry without its time', `UPDATE reservation SET status = 'expired'`, 'reservation_expired_when_its_time_came'],
  [
    'a time of expiry without it',
    `UPDATE reservation SET expired_at = expires_at`,
    'reservation_expired_when_its_time_came',
  ],
  ['one of nothing', `UPDATE reservation SET product_ids = '{}'`, 'reservation_has_a_product'],
  ['one twice', 'INSERT INTO reservation SELECT * FROM reservation LIMIT 1', 'reservation_pkey'],
  // The ledger and the journal
  ['a balance below nothing', entry({ reserved: -1 }), 'units_are_never_negative'],
  ['more come than there is', entry({ on_hand: 0, delta_on_hand: 1 }), 'ledger_balances_before_are_never_negative'],
  ['more reserved than is', entry({ delta_reserved: 1 }), 'ledger_balances_before_are_never_negative'],
  ['more committed than is', entry({ delta_committed: 1 }), 'ledger_balances_before_are_never_negative'],
  ['a type that is none', entry({ type: "'gift'" }), 'movement_type_is_known'],
  [
    'a sale of what is promised already',
    entry({ type: "'reserve'", delta_reserved: 1, reserved: 11 }),
    'ledger_reserve_takes_only_what_is_there',
  ],
  [
    'a reserve that gives',
    entry({ type: "'reserve'", delta_reserved: -1, reserved: 1 }),
    'ledger_reserve_takes_only_what_is_there',
  ],
  ['a reserve of nothing', entry({ type: "'reserve'" }), 'ledger_reserve_takes_only_what_is_there'],
  [
    'a reserve that moves stock',
    entry({ type: "'reserve'", delta_reserved: 1, reserved: 1, delta_on_hand: 1 }),
    'ledger_reserve_takes_only_what_is_there',
  ],
  ['half a reference', entry({ reference_type: "'order'" }), 'ledger_reference_is_whole'],
  ['the other half of one', entry({ reference_id: "'O-1'" }), 'ledger_reference_is_whole'],
  ['entries of nothing', journal('NULL', 1), 'journal_ledger_range_is_whole'],
  ['no entries of something', journal('4096', 0), 'journal_ledger_range_is_whole'],
  // Transfers
  ['a transfer to where it is', 'UPDATE transfer SET to_id = from_id', 'transfer_moves_between_two_places'],
  ['a transfer in a state that is none', `UPDATE transfer SET status = 'lost'`, 'transfer_status_is_known'],
  ['a transfer of another kind', `UPDATE transfer SET mode = 'teleport'`, 'transfer_mode_is_known'],
  ['half a reference of a transfer', `UPDATE transfer SET reference_type = 'order'`, 'transfer_reference_is_whole'],
  ['the other half of one', `UPDATE transfer SET reference_id = 'O-1'`, 'transfer_reference_is_whole'],
  ['a transfer of nothing', 'UPDATE transfer_line SET quantity = 0', 'transfer_line_moves_something'],
  [
    'a line of no transfer',
    `UPDATE transfer_line SET transfer_id = gen_random_uuid()`,
    'transfer_line_transfer_id_fkey',
  ],
  ['a transfer from no location', 'UPDATE transfer SET from_id = 99', 'transfer_from_id_fkey'],
  // Alerts
  ['an alert of another kind', `UPDATE alert SET type = 'fire'`, 'alert_type_is_known'],
  ['an alert in a state that is none', `UPDATE alert SET status = 'gone'`, 'alert_status_is_known'],
  ['one resolved at no time', `UPDATE alert SET status = 'resolved'`, 'alert_is_resolved_at_a_time'],
  ['a time of its end without it', 'UPDATE alert SET resolved_at = opened_at', 'alert_is_resolved_at_a_time'],
  ['one acknowledged by nobody', 'UPDATE alert SET acknowledged_at = opened_at', 'alert_is_acknowledged_by_someone'],
  ['one acknowledged at no time', `UPDATE alert SET acknowledged_by = 'Ada'`, 'alert_is_acknowledged_by_someone'],
  [
    'one open twice',
    `INSERT INTO alert (id, type, status, product_id, location_id, value, opened_at)
     SELECT gen_random_uuid(), type, 'active', product_id, location_id, value, opened_at FROM alert LIMIT 1`,
    'alert_is_open_once',
  ],
  // Names and their settings
  ['a sku twice', `UPDATE product SET sku = 'SKU-1' WHERE id = 2`, 'product_sku_is_unique'],
  ['a sku that is none', `UPDATE product SET sku = 'a b' WHERE id = 2`, 'name_has_only_allowed_characters'],
  ['a sku with a line break', `UPDATE product SET sku = E'a\\n' WHERE id = 2`, 'name_has_only_allowed_characters'],
  ['a negative cost', 'UPDATE product SET unit_cost = -1', 'unit_cost_is_in_range'],
  ['a cost beyond 10^9', 'UPDATE product SET unit_cost = 1000000001', 'unit_cost_is_in_range'],
  ['a negative reorder point of a product', 'UPDATE product SET reorder_point = -1', 'units_are_never_negative'],
  ['a negative reorder quantity of a product', 'UPDATE product SET reorder_quantity = -1', 'units_are_never_negative'],
  ['a negative max level of a product', 'UPDATE product SET max_level = -1', 'units_are_never_negative'],
  ['a negative safety stock of a product', 'UPDATE product SET safety_stock = -1', 'units_are_never_negative'],
  ['a code twice', `UPDATE location SET code = 'LOC-1' WHERE id = 2`, 'location_code_is_unique'],
  ['a code that is none', `UPDATE location SET code = '' WHERE id = 2`, 'name_has_only_allowed_characters'],
  ['a location of another kind', `UPDATE location SET type = 'shop'`, 'location_type_is_known'],
  ['half a place', 'UPDATE location SET lat = 1', 'location_coordinates_come_in_pairs'],
  ['the other half of one', 'UPDATE location SET lng = 1', 'location_coordinates_come_in_pairs'],
  ['a place off the globe', 'UPDATE location SET lat = 91, lng = 0', 'location_lat_is_in_range'],
  ['a place off its other end', 'UPDATE location SET lat = -91, lng = 0', 'location_lat_is_in_range'],
  ['a place around the globe', 'UPDATE location SET lat = 0, lng = 181', 'location_lng_is_in_range'],
  ['a place around it the other way', 'UPDATE location SET lat = 0, lng = -181', 'location_lng_is_in_range'],
  // Keys
  ['a key that may do nothing', `UPDATE api_key SET scopes = '{}'`, 'api_key_has_a_scope'],
  ['a key that is not hashed', `UPDATE api_key SET hash = 'hf_secret'`, 'api_key_hash_is_sha256'],
  [
    'a key twice',
    'INSERT INTO api_key SELECT gen_random_uuid(), name, scopes, prefix, hash, NULL, created_at FROM api_key',
    'api_key_hash_is_unique',
  ],
  // People
  ['a person who may do nothing', person({ scopes: "'{}'" }), 'person_has_a_scope'],
  ['a password in the clear', person({ password_hash: "'secret'" }), 'person_password_is_a_phc_string'],
  ['a person without a password', person({ password_hash: 'NULL' }), 'person_has_a_password_until_removed'],
  ['a removed one with a password', person({ removed_at: 'now()' }), 'person_has_a_password_until_removed'],
  ['two people with one login', `${person({})}; ${person({ id: 'gen_random_uuid()' })}`, 'person_login_is_unique'],
  ['a token that is not hashed', session({ token_hash: "'token'" }), 'person_session_token_is_sha256'],
  ['a session twice', `${session({})}; ${sessionRow({ id: 'gen_random_uuid()' })}`, 'person_session_token_is_unique'],
  [
    'a session that idles for ever',
    session({ idle_ends_at: "now() + interval '1 year'" }),
    'person_session_idles_within_its_life',
  ],
  [
    'less than no failures',
    "INSERT INTO sign_in_throttle VALUES ('x', -1, now(), now())",
    'sign_in_throttle_counts_failures',
  ],
  // Webhooks
  ['a webhook for nothing', webhook({ events: "'{}'" }), 'webhook_asks_for_something'],
  ['one disabled for no reason', webhook({ enabled: 'false' }), 'webhook_is_disabled_for_a_reason'],
  ['one enabled with such a reason', webhook({ disabled_reason: "'gone'" }), 'webhook_is_disabled_for_a_reason'],
  [
    'one disabled for a strange reason',
    webhook({ enabled: 'false', disabled_reason: "'mood'" }),
    'webhook_disabled_reason_is_known',
  ],
  ['a secret that is short', secret({ secret: "repeat('a', 23)::bytea" }), 'webhook_secret_has_24_to_64_bytes'],
  ['a secret that is long', secret({ secret: "repeat('a', 65)::bytea" }), 'webhook_secret_has_24_to_64_bytes'],
  ['a place before the stream', progress({ position: -1 }), 'webhook_progress_never_leaves_the_stream'],
  ['half a stretch that was missed', progress({ missed_from: 1 }), 'webhook_progress_missed_a_whole_stretch'],
  ['the other half of one', progress({ missed_to: 1 }), 'webhook_progress_missed_a_whole_stretch'],
  ['failures since no time', progress({ failures_in_row: 1 }), 'webhook_progress_fails_since_a_time'],
  ['no failures since a time', progress({ failing_since: 'now()' }), 'webhook_progress_fails_since_a_time'],
  [
    'a delivery in a state that is none',
    delivery({ status: "'lost'", finished_at: 'now()' }),
    'webhook_delivery_status_is_known',
  ],
  ['a delivery that ended at no time', delivery({ status: "'failed'" }), 'webhook_delivery_ends_at_a_time'],
  ['the end of a delivery that waits', delivery({ finished_at: 'now()' }), 'webhook_delivery_ends_at_a_time'],
  ['a delivery of nothing', delivery({ body: 'NULL' }), 'webhook_delivery_has_a_body_until_delivered'],
  ['an attempt at no time', delivery({ attempts: 1 }), 'webhook_delivery_was_attempted_at_a_time'],
  ['no attempt at a time', delivery({ first_attempt_at: 'now()' }), 'webhook_delivery_was_attempted_at_a_time'],
  [
    'two secrets that last',
    `${webhook({ id: SOME_ID })}; ${secret({})}; ${secret({})}`,
    'webhook_has_one_lasting_secret',
  ],
  // The stream of events
  ['a run that ends before it begins', batch({ last_id: 40_959_999 }), 'event_batch_is_one_run'],
  ['a run of two blocks of numbers', batch({ last_id: 40_964_096 }), 'event_batch_is_one_run'],
  ['a run that was over before', batch({ ledger_until: "now() - interval '1 s'" }), 'event_batch_ends_after_it_began'],
  ['a run twice', `${batch({})}; ${batch({})}`, 'event_batch_pkey'],
  [
    'a position given twice',
    `${batch({ position: 1042 })}; ${batch({ first_id: 40_964_096, last_id: 40_964_097, position: 1042 })}`,
    'event_batch_position',
  ],
  ['a second stream', 'INSERT INTO event_stream (id) VALUES (2)', 'event_stream_is_one'],
  [
    'a stream that is not exact in JSON',
    'UPDATE event_stream SET head = 9007199254740992',
    'event_stream_head_is_exact_in_json',
  ],
  [
    'a stream that forgets what is to come',
    'UPDATE event_stream SET forgotten = head + 1',
    'event_stream_forgets_only_what_it_had',
  ],
  ['less than nothing forgotten', 'UPDATE event_stream SET forgotten = -1', 'event_stream_forgets_only_what_it_had'],
  // Rate limits
  ['an algorithm that is none', rule(`algorithm = 'leaky_bucket', burst = NULL`), 'rate_limit_algorithm_is_known'],
  ['a limit that grants nothing', rule('units = 0'), 'rate_limit_grants_something'],
  ['a window of no time', rule('window_ms = 0'), 'rate_limit_window_has_a_length'],
  ['a burst of nothing', rule('burst = 0'), 'rate_limit_burst_is_positive'],
  ['a burst of a window', window('burst = 5'), 'rate_limit_burst_is_for_buckets'],
  [
    'a limit that is not counted exactly',
    rule('units = 9007199254740991, window_ms = 2'),
    'rate_limit_counts_are_exact',
  ],
  [
    'a burst that is not counted exactly',
    rule('burst = 9007199254740991, window_ms = 2'),
    'rate_limit_counts_are_exact',
  ],
  [
    'a limit beyond all sums',
    rule('units = 9223372036854775807, window_ms = 9223372036854775807'),
    'rate_limit_counts_are_exact',
  ],
  ['a refund that is none', rule(`refund = 'always'`), 'rate_limit_refund_is_known'],
  [
    'a rule that ends before it begins',
    rule(`active_from = now(), active_to = now()`),
    'rate_limit_schedule_has_a_length',
  ],
  ['a policy that is none', rule(`on_store_error = 'panic'`), 'rate_limit_store_error_policy_is_known'],
  ['a mode that is none', rule(`mode = 'off'`), 'rate_limit_mode_is_known'],
  ['a second revision', 'INSERT INTO rate_limit_revision (id) VALUES (2)', 'rate_limit_revision_is_one'],
  // Who serves
  [
    'an instance that was seen before its start',
    insertInto('instance', {
      id: ID,
      host: "'a'",
      pid: 1,
      version: "'1'",
      signals: "'none'",
      started_at: 'now()',
      seen_at: "now() - interval '1 s'",
    }),
    'instance_is_seen_after_its_start',
  ],
  ['a second installation', 'INSERT INTO installation (one) VALUES (false)', 'installation_is_one'],
  ['a pause for no reason', 'UPDATE installation SET paused_at = now()', 'installation_is_paused_for_a_reason'],
  ['a reason for no pause', `UPDATE installation SET paused_because = 'x'`, 'installation_is_paused_for_a_reason'],
  ...REFUSED_RUNS,
  ['an answer twice', 'INSERT INTO idempotency_key SELECT * FROM idempotency_key LIMIT 1', 'idempotency_key_pkey'],
];
