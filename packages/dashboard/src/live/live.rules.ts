import type { ReadPath } from '../api/queries.ts';

/** What an event of the server carries, as far as pages need it. */
export interface HoldfastEvent {
  type: string;
  subject: string | null;
  time: string;
  data: unknown;
}

/** A movement, as `stock.changed` and GET /ledger show it. */
export interface Movement {
  seq: number;
  at: string;
  type: string;
  sku: string;
  location: string;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  reference: { type: string; id: string } | null;
  reason: string | null;
  actor: string;
}

/** Data that an event makes stale: all that a path answers, or only what was asked with these parts of it. */
export interface Stale {
  path: ReadPath | (string & {});
  part?: Record<string, string>;
}

/** Lists grow at their top: they are told (`useNewRows`) and not asked again, so that nothing jumps. */
const BY_TYPE: readonly [prefix: string, stale: (event: HoldfastEvent) => Stale[]][] = [
  [
    'stock.changed',
    ({ data }) => {
      const { sku, location } = data as Movement;
      return [
        { path: '/api/v1/summary' },
        { path: '/api/v1/inventory/{sku}', part: { sku } },
        { path: '/api/v1/inventory/{sku}/ledger', part: { sku } },
        { path: '/api/v1/inventory/{sku}/locations/{code}', part: { sku, code: location } },
      ];
    },
  ],
  [
    'reservation.',
    ({ data }) => [
      { path: '/api/v1/summary' },
      { path: '/api/v1/reservations' },
      { path: '/api/v1/reservations/{id}', part: { id: String((data as { id?: unknown }).id) } },
    ],
  ],
  ['alert.', () => [{ path: '/api/v1/alerts' }, { path: '/api/v1/alerts/{id}' }]],
  ['product.', () => [{ path: '/api/v1/products' }, { path: '/api/v1/products/{sku}' }]],
  ['location.', () => [{ path: '/api/v1/locations' }, { path: '/api/v1/locations/{code}' }]],
  ['transfer.', () => [{ path: '/api/v1/transfers' }, { path: '/api/v1/transfers/{id}' }]],
  ['level.updated', () => [{ path: '/api/v1/inventory' }, { path: '/api/v1/inventory/{sku}' }]],
];

export function staleAfter(event: HoldfastEvent): Stale[] {
  return BY_TYPE.flatMap(([prefix, stale]) => (event.type.startsWith(prefix) ? stale(event) : []));
}

interface LevelNumbers {
  sku: string;
  location: string;
  onHand: number;
  reserved: number;
  committed: number;
  safetyStock: number;
  available: number;
  shortage: number;
  version: number;
  lastMovementAt: string | null;
}

/** A level as it is after a movement; the same one where the movement is another's, or older than what is shown. */
export function afterMovement<Level extends LevelNumbers>(level: Level, movement: Movement): Level {
  const isOther = level.sku !== movement.sku || level.location !== movement.location;
  if (isOther || (level.lastMovementAt !== null && level.lastMovementAt > movement.at)) return level;
  const { onHand, reserved, committed, at } = movement;
  const promised = reserved + committed;
  return {
    ...level,
    onHand,
    reserved,
    committed,
    available: Math.max(0, onHand - promised - level.safetyStock),
    shortage: Math.max(0, promised - onHand),
    lastMovementAt: at,
  };
}
