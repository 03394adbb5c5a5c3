import { numberArray, recordArray, secondsOf } from '../platform/database/index.ts';
import { statement, type Statement } from './read.sql.ts';
import { setFor, type TransactionSettings } from './settings.sql.ts';
import type { Level } from './stock.state.ts';
import type { Part } from './write.parts.sql.ts';

/** The same settings for a whole session: of a connection that no pooler shares. */
export const selectSessionSettings = (settings: TransactionSettings): Statement =>
  setFor('session', settings, `set_config('holdfast.batch', '0', false)`);

/** What a batch that locked nothing was decided on, besides its levels. */
export interface KnownBasis {
  /** The batch before it on the connection, and its own number. */
  after: number;
  own: number;
  /** The database's clock, as it was told. */
  clockMs: number;
  products: { id: number; version: number }[];
  locations: { id: number; version: number }[];
  blocks: number;
}

/** So much the told clock may be wrong: a batch may have waited for a lock. */
const CLOCK_WITHIN_MS = 5_000;

/**
 * Ends the transaction where a product or a location has changed since it was last read, where the clock was set, or where
 * the batch before was not done: the setting is taken back with its transaction. Sent after the levels were written, and
 * so locked: whoever changes a product locks its levels first. Gives the clock, and blocks of entry numbers.
 */
export const selectStillKnown = ({ after, own, clockMs, products, locations, blocks }: KnownBasis): Statement =>
  statement(
    'still_known',
    `WITH before AS MATERIALIZED (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       current_setting('holdfast.batch') AS batch)
     SELECT now_ms, array(SELECT nextval('entry_seq') FROM generate_series(1, $8::integer))::bigint[],
       set_config('holdfast.batch', $2, false), refuse_unless(
         batch = $1
         AND abs(now_ms - $3::bigint) < ${CLOCK_WITHIN_MS}
         AND cardinality($4::bigint[]) = (SELECT count(*) FROM unnest($4::bigint[], $5::bigint[]) AS k (id, version)
           JOIN product p ON p.id = k.id AND p.version = k.version)
         AND cardinality($6::bigint[]) = (SELECT count(*) FROM unnest($6::bigint[], $7::bigint[]) AS k (id, version)
           JOIN location l ON l.id = k.id AND l.version = k.version))
     FROM before`,
    [
      String(after),
      String(own),
      clockMs,
      numberArray(products.map(({ id }) => id)),
      numberArray(products.map(({ version }) => version)),
      numberArray(locations.map(({ id }) => id)),
      numberArray(locations.map(({ version }) => version)),
      blocks,
    ],
  );

/**
 * Levels that nobody has locked: each is written if it is still as it was when it was decided on, to the unit. In their
 * order, as they are locked everywhere. How many were written shows whether all of them were.
 */
export const updateKnownLevels = (levels: Level[]): Part => ({
  sql: `UPDATE level l SET reserved = k.reserved, open_alerts = k.open_alerts, was_available = k.was_available,
      version = k.version, last_movement_at = to_timestamp(k.last_movement_at)
    FROM unnest(?::known_level_write[]) AS k
    WHERE l.product_id = k.product_id AND l.location_id = k.location_id AND l.version = k.known_version
      AND l.on_hand = k.on_hand AND l.reserved = k.known_reserved AND l.committed = k.committed
    RETURNING 1`,
  columns: [
    recordArray(
      levels.toSorted((one, other) => one.product.id - other.product.id || one.location.id - other.location.id),
      (level) => [
        level.product.id,
        level.location.id,
        level.rowVersion,
        level.rowReserved,
        level.onHand,
        level.committed,
        level.reserved,
        level.openAlerts,
        level.wasAvailable,
        level.version,
        secondsOf(level.lastMovementAt),
      ],
    ),
  ],
});
