import type { Defaulted, Json, NullableTime, Time } from './column.kinds.ts';

// The tables of rate limits (migrations/0005_rate_limits.sql).

export interface RateLimitTable {
  id: string;
  name: string;
  algorithm: 'token_bucket' | 'sliding_window' | 'fixed_window';
  units: number;
  window_ms: number;
  burst: number | null;
  subject: string;
  match: Json;
  tier: string | null;
  overrides: Json;
  costs: Json;
  refund: 'never' | 'refused';
  adaptive: Json;
  active_from: NullableTime;
  active_to: NullableTime;
  on_store_error: 'allow' | 'deny' | 'local';
  mode: 'enforce' | 'shadow';
  enabled: boolean;
  version: Defaulted<number>;
  created_at: Time;
  updated_at: Time;
}

export interface RateLimitTierTable {
  tier: string;
  subjects: string[];
}

export interface RateLimitRevisionTable {
  id: Defaulted<number>;
  revision: number;
}

export interface RateLimitStatTable {
  rule_id: string;
  at: Time;
  allowed: number;
  refused: number;
  shadow_refused: number;
}

export interface RateLimitSubjectStatTable {
  rule_id: string;
  at: Time;
  subject: string;
  allowed: number;
  refused: number;
}

export interface RateLimitNoticeTable {
  rule_id: string;
  at: Time;
  subject: string;
}
