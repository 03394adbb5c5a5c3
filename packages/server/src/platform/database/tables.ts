import type { ColumnType, Generated } from 'kysely';
import type { Computed, Defaulted, Json, NullableTime, Time } from './column.kinds.ts';
import type {
  JobDependencyTable,
  JobStateTable,
  JobTable,
  RunAttemptTable,
  RunEffectTable,
  RunFilePieceTable,
  RunFileTable,
  RunLogTable,
  RunTable,
} from './job.tables.ts';
import type {
  RateLimitNoticeTable,
  RateLimitRevisionTable,
  RateLimitStatTable,
  RateLimitSubjectStatTable,
  RateLimitTable,
  RateLimitTierTable,
} from './rate-limit.tables.ts';

/**
 * The tables as the migrations leave them, for typed queries. int8 and timestamptz come as numbers (the latter as
 * milliseconds since the epoch), numeric as text, json parsed.
 */
export interface Tables {
  product: ProductTable;
  location: LocationTable;
  level: LevelTable;
  reservation: ReservationTable;
  reservation_line: ReservationLineTable;
  ledger_entry: LedgerEntryTable;
  journal_entry: JournalEntryTable;
  idempotency_key: IdempotencyKeyTable;
  transfer: TransferTable;
  transfer_line: TransferLineTable;
  alert: AlertTable;
  api_key: ApiKeyTable;
  webhook: WebhookTable;
  webhook_secret: WebhookSecretTable;
  webhook_progress: WebhookProgressTable;
  webhook_delivery: WebhookDeliveryTable;
  instance: InstanceTable;
  event_batch: EventBatchTable;
  event_stream: EventStreamTable;
  person: PersonTable;
  person_session: PersonSessionTable;
  sign_in_throttle: SignInThrottleTable;
  rate_limit: RateLimitTable;
  rate_limit_tier: RateLimitTierTable;
  rate_limit_revision: RateLimitRevisionTable;
  rate_limit_stat: RateLimitStatTable;
  rate_limit_subject_stat: RateLimitSubjectStatTable;
  rate_limit_notice: RateLimitNoticeTable;
  job: JobTable;
  job_state: JobStateTable;
  job_dependency: JobDependencyTable;
  run: RunTable;
  run_attempt: RunAttemptTable;
  run_log: RunLogTable;
  run_effect: RunEffectTable;
  run_file: RunFileTable;
  run_file_piece: RunFilePieceTable;
}

export interface ProductTable {
  id: Generated<number>;
  sku: string;
  name: string;
  description: string | null;
  category: string | null;
  attributes: Json;
  unit_cost: ColumnType<string | null, number | string | null | undefined, number | string | null>;
  reorder_point: number | null;
  reorder_quantity: number | null;
  max_level: number | null;
  safety_stock: Defaulted<number>;
  version: Defaulted<number>;
  created_at: Time;
  updated_at: Time;
  archived_at: NullableTime;
}

export interface LocationTable {
  id: Generated<number>;
  code: string;
  name: string;
  type: 'warehouse' | 'store' | 'supplier' | 'virtual';
  address: Json;
  lat: number | null;
  lng: number | null;
  priority: Defaulted<number>;
  active: Defaulted<boolean>;
  version: Defaulted<number>;
  created_at: Time;
  updated_at: Time;
  archived_at: NullableTime;
}

export interface LevelTable {
  product_id: number;
  location_id: number;
  on_hand: Defaulted<number>;
  reserved: Defaulted<number>;
  committed: Defaulted<number>;
  incoming: Defaulted<number>;
  safety_stock: Defaulted<number>;
  reorder_point: number | null;
  reorder_quantity: number | null;
  max_level: number | null;
  own_settings: Defaulted<number>;
  zone: string | null;
  aisle: string | null;
  shelf: string | null;
  open_alerts: Defaulted<number>;
  was_available: Defaulted<boolean>;
  version: Defaulted<number>;
  last_movement_at: NullableTime;
  last_count_at: NullableTime;
  is_low: Computed<boolean>;
  is_out: Computed<boolean>;
  is_over: Computed<boolean>;
  is_short: Computed<boolean>;
}

export type ReservationStatus = 'pending' | 'confirmed' | 'shipped' | 'cancelled' | 'expired';

export interface ReservationTable {
  id: string;
  status: ReservationStatus;
  type: 'order' | 'cart' | 'manual';
  order_id: string | null;
  user_id: string | null;
  product_ids: number[];
  cancel_reason: string | null;
  expires_at: Time;
  created_at: Time;
  confirmed_at: NullableTime;
  shipped_at: NullableTime;
  cancelled_at: NullableTime;
  expired_at: NullableTime;
  version: Defaulted<number>;
}

export interface ReservationLineTable {
  product_id: number;
  reservation_id: string;
  line_no: number;
  line: number;
  location_id: number | null;
  quantity: number;
  requested: number;
  shipped: Defaulted<number>;
  cancelled: Defaulted<number>;
  state: 'held' | 'committed' | 'closed' | 'expired';
  expires_at: Time;
  attributes: Json;
}

export interface LedgerEntryTable {
  seq: number;
  at: Time;
  type: string;
  product_id: number;
  location_id: number;
  delta_on_hand: number;
  delta_reserved: number;
  delta_committed: number;
  on_hand: number;
  reserved: number;
  committed: number;
  reference_type: string | null;
  reference_id: string | null;
  reason: string | null;
  notes: string | null;
  unit_cost: string | null;
  lot: string | null;
  actor: string;
}

export interface JournalEntryTable {
  id: number;
  at: Time;
  kind: string;
  actor: string;
  request_id: string | null;
  subject: string;
  ledger_from: number | null;
  ledger_count: Defaulted<number>;
  data: string | null;
}

export interface IdempotencyKeyTable {
  owner: string;
  key: string;
  chunk: Defaulted<number>;
  request_hash: string;
  status: number;
  headers: Json;
  body: string | null;
  created_at: Time;
}

export interface TransferTable {
  id: string;
  status: 'completed';
  mode: 'immediate';
  from_id: number;
  to_id: number;
  reference_type: string | null;
  reference_id: string | null;
  created_at: Time;
  version: Defaulted<number>;
}

export interface TransferLineTable {
  transfer_id: string;
  line_no: number;
  product_id: number;
  quantity: number;
}

export interface AlertTable {
  id: string;
  type: 'low_stock' | 'out_of_stock' | 'overstock' | 'shortage';
  status: 'active' | 'acknowledged' | 'resolved';
  product_id: number;
  location_id: number;
  threshold: number | null;
  value: number;
  opened_at: Time;
  acknowledged_at: NullableTime;
  acknowledged_by: string | null;
  resolved_at: NullableTime;
}

export interface ApiKeyTable {
  id: string;
  name: string;
  scopes: string[];
  prefix: string;
  hash: Buffer;
  expires_at: NullableTime;
  created_at: Time;
  last_used_at: NullableTime;
  revoked_at: NullableTime;
}

export interface EventBatchTable {
  first_id: number;
  last_id: number;
  at: Time;
  ledger_until: Time;
  /** null until it is numbered. */
  position: number | null;
}

export interface EventStreamTable {
  head: number;
  origin: string | null;
  forgotten: number;
}

export interface PersonTable {
  id: string;
  login: string;
  login_key: string;
  name: string;
  scopes: string[];
  password_hash: string | null;
  created_at: Time;
  last_sign_in_at: NullableTime;
  disabled_at: NullableTime;
  removed_at: NullableTime;
  version: Defaulted<number>;
}

export interface PersonSessionTable {
  id: string;
  person_id: string;
  token_hash: Buffer;
  created_at: Time;
  last_seen_at: Time;
  idle_ends_at: Time;
  ends_at: Time;
  ended_at: NullableTime;
  address: string;
  network: string;
  user_agent: string | null;
}

export interface SignInThrottleTable {
  subject: string;
  failures: number;
  last_at: Time;
  held_until: Time;
}

export interface InstanceTable {
  id: string;
  address: string | null;
  host: string;
  pid: number;
  version: string;
  signals: string;
  started_at: Time;
  seen_at: Time;
}

export interface WebhookTable {
  id: string;
  url: string;
  events: string[];
  topics: string[];
  enabled: boolean;
  disabled_reason: 'request' | 'gone' | 'unreachable' | null;
  version: Defaulted<number>;
  created_at: Time;
  updated_at: Time;
}

export interface WebhookSecretTable {
  id: string;
  webhook_id: string;
  secret: Buffer;
  created_at: Time;
  retires_at: NullableTime;
}

export interface WebhookProgressTable {
  webhook_id: string;
  position: number;
  replays: Defaulted<number>;
  missed_from: number | null;
  missed_to: number | null;
  failures_in_row: Defaulted<number>;
  failing_since: NullableTime;
  probe_at: NullableTime;
  fence: Defaulted<number>;
  lease_holder: string | null;
  lease_until: NullableTime;
}

export interface WebhookDeliveryTable {
  id: string;
  webhook_id: string;
  position: number;
  type: string;
  subject: string;
  event_at: Time;
  is_replay: boolean;
  status: 'pending' | 'delivered' | 'set_aside' | 'failed';
  attempts: number;
  refusals: number;
  history: Json;
  body: string | null;
  created_at: Time;
  first_attempt_at: NullableTime;
  next_attempt_at: NullableTime;
  finished_at: NullableTime;
}
