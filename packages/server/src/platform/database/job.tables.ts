import type { ColumnType } from 'kysely';
import type { Defaulted, Json, NullableTime, Time } from './column.kinds.ts';

// The tables of jobs and their runs (migrations/0008_jobs.sql).

export interface JobTable {
  id: string;
  name: string;
  description: Defaulted<string>;
  type: string;
  config: Json;
  schedule: string | null;
  time_zone: string;
  priority: number;
  retries: number;
  backoff: Json;
  timeout_ms: number;
  concurrency: number;
  overlap: 'skip' | 'queue' | 'cancel';
  catch_up: 'skip' | 'once' | 'all';
  catch_up_max: number;
  after_failure: 'skip' | 'run' | 'hold';
  cache_for_ms: Defaulted<number>;
  must_finish_by: string | null;
  keep_days: number;
  enabled: boolean;
  is_system: Defaulted<boolean>;
  version: Defaulted<number>;
  created_at: Time;
  updated_at: Time;
}

export interface JobStateTable {
  job_id: string;
  next_at: NullableTime;
  run_count: Defaulted<number>;
  success_count: Defaulted<number>;
  failure_count: Defaulted<number>;
  last_at: NullableTime;
  last_result: Json;
}

export interface JobDependencyTable {
  job_id: string;
  depends_on: string;
}

export interface RunTable {
  id: string;
  job_id: string;
  type: string;
  cycle_id: string;
  status: 'held' | 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';
  priority: number;
  raised: Defaulted<number>;
  trigger: 'schedule' | 'catch_up' | 'request' | 'dependency';
  started_by: string;
  tick: NullableTime;
  config: Json;
  attempts_max: number;
  attempt: Defaulted<number>;
  timeout_ms: number;
  due_at: Time;
  created_at: Time;
  started_at: NullableTime;
  attempt_started_at: NullableTime;
  finished_at: NullableTime;
  ticket_id: string | null;
  fence: Defaulted<number>;
  worker: ColumnType<string | null, string | null | undefined, string | null>;
  cancel_requested_by: ColumnType<string | null, string | null | undefined, string | null>;
  deadline: NullableTime;
  deadline_state: Defaulted<'none' | 'ahead' | 'at_risk' | 'missed' | 'kept'>;
  percent: ColumnType<number | null, number | null | undefined, number | null>;
  progress_message: ColumnType<string | null, string | null | undefined, string | null>;
  result: Json;
  error: Json;
  reason: ColumnType<string | null, string | null | undefined, string | null>;
  cached_from: ColumnType<string | null, string | null | undefined, string | null>;
  log_lines: Defaulted<number>;
}

export interface RunAttemptTable {
  run_id: string;
  attempt: number;
  fence: number;
  worker: string;
  started_at: Time;
  finished_at: NullableTime;
  outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'lost' | 'handed_over' | null;
  error: Json;
}

export interface RunLogTable {
  run_id: string;
  line: number;
  at: Time;
  attempt: number;
  level: 'info' | 'warn' | 'error';
  message: string;
}

export interface RunEffectTable {
  run_id: string;
  key: string;
  result: Json;
  at: Time;
}

export interface RunFileTable {
  run_id: string;
  name: string;
  media_type: string;
  size: number;
  pieces: number;
  fence: number;
  at: Time;
}

export interface RunFilePieceTable {
  run_id: string;
  name: string;
  fence: number;
  piece: number;
  bytes: Buffer;
}
