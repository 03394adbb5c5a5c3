import type { ColumnType } from 'kysely';

/** Read as milliseconds since the epoch, written as RFC 3339 text. */
export type Time = ColumnType<number, string, string>;
export type NullableTime = ColumnType<number | null, string | null | undefined, string | null>;
/** Read parsed, written as JSON text. */
export type Json = ColumnType<unknown, string | null | undefined, string | null>;
export type Defaulted<Value> = ColumnType<Value, Value | undefined, Value>;
export type Computed<Value> = ColumnType<Value, never, never>;
