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
  /**
   * Not the pages of a list that is read: its rows are written anew where they stand (`rowOf`), and new ones are announced
   * above (`useNewRows`), so that nothing jumps.
   */
  sparesLists?: true;
}

/** Levels have the names and settings of their product, and what is available depends on their location. */
const ALL_LEVELS: readonly Stale[] = [
  { path: '/api/v1/summary' },
  { path: '/api/v1/inventory' },
  { path: '/api/v1/inventory/{sku}' },
  { path: '/api/v1/inventory/{sku}/locations/{code}' },
];

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
        { path: '/api/v1/inventory', sparesLists: true },
        { path: '/api/v1/ledger', sparesLists: true },
      ];
    },
  ],
  [
    'reservation.',
    ({ data }) => [
      { path: '/api/v1/summary' },
      { path: '/api/v1/reservations', sparesLists: true },
      { path: '/api/v1/reservations/{id}', part: { id: String((data as { id?: unknown }).id) } },
    ],
  ],
  ['alert.', () => [{ path: '/api/v1/alerts', sparesLists: true }, { path: '/api/v1/alerts/{id}' }]],
  ['product.', () => [{ path: '/api/v1/products' }, { path: '/api/v1/products/{sku}' }, ...ALL_LEVELS]],
  ['location.', () => [{ path: '/api/v1/locations' }, { path: '/api/v1/locations/{code}' }, ...ALL_LEVELS]],
  ['transfer.', () => [{ path: '/api/v1/transfers', sparesLists: true }, { path: '/api/v1/transfers/{id}' }]],
  [
    'run.',
    ({ data }) => {
      const { id, job } = data as { id?: unknown; job?: { id?: unknown } };
      return [
        { path: '/api/v1/jobs' },
        { path: '/api/v1/jobs/{id}', part: { id: String(job?.id) } },
        { path: '/api/v1/jobs/stats' },
        { path: '/api/v1/jobs/graph' },
        { path: '/api/v1/runs', sparesLists: true },
        { path: '/api/v1/runs/{id}', part: { id: String(id) } },
      ];
    },
  ],
  [
    'level.updated',
    ({ data }) => {
      const { sku, location } = data as { sku?: unknown; location?: unknown };
      return [
        { path: '/api/v1/summary' },
        { path: '/api/v1/inventory', sparesLists: true },
        { path: '/api/v1/inventory/{sku}', part: { sku: String(sku) } },
        {
          path: '/api/v1/inventory/{sku}/locations/{code}',
          part: { sku: String(sku), code: String(location) },
        },
      ];
    },
  ],
];

export function staleAfter(event: HoldfastEvent): Stale[] {
  return BY_TYPE.flatMap(([prefix, stale]) => (event.type.startsWith(prefix) ? stale(event) : []));
}

/** A row of a list, as an event has it: what it replaces where it is shown. */
export interface Row {
  list: string;
  /** The fields that say which one it is. */
  key: readonly string[];
  data: Record<string, unknown>;
}

const ROWS: readonly [prefix: string, list: string, key: readonly string[]][] = [
  ['reservation.', '/api/v1/reservations', ['id']],
  ['alert.', '/api/v1/alerts', ['id']],
  ['transfer.', '/api/v1/transfers', ['id']],
  ['product.', '/api/v1/products', ['sku']],
  ['location.', '/api/v1/locations', ['code']],
  ['run.', '/api/v1/runs', ['id']],
  ['level.updated', '/api/v1/inventory', ['sku', 'location']],
];

/** The row that an event carries whole; null for others. */
export function rowOf({ type, data }: HoldfastEvent): Row | null {
  const found = ROWS.find(([prefix]) => type.startsWith(prefix));
  if (found === undefined || typeof data !== 'object' || data === null) return null;
  const [, list, key] = found;
  const fields = data as Record<string, unknown>;
  return key.every((name) => typeof fields[name] === 'string') ? { list, key, data: fields } : null;
}

/** The rows with this one in the place of what it was; the same rows where it is not among them, or is older. */
export function withRow<Item extends object>(items: readonly Item[], { key, data }: Row): readonly Item[] {
  const at = items.findIndex((item) => key.every((name) => (item as Record<string, unknown>)[name] === data[name]));
  const known: (Item & { version?: number }) | undefined = items[at];
  if (known === undefined || isOlder(data['version'], known.version)) return items;
  return items.with(at, { ...known, ...data });
}

function isOlder(version: unknown, known: number | undefined): boolean {
  return typeof version === 'number' && known !== undefined && version < known;
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

/**
 * A level as it is after a movement; the same one where the movement is another's, or older than what is shown.
 *
 * @param isActive whether its location is: elsewhere nothing is available; undefined where nobody knows
 */
export function afterMovement<Level extends LevelNumbers>(level: Level, movement: Movement, isActive?: boolean): Level {
  const isOther = level.sku !== movement.sku || level.location !== movement.location;
  if (isOther || (level.lastMovementAt !== null && level.lastMovementAt > movement.at)) return level;
  const { onHand, reserved, committed, at } = movement;
  const promised = reserved + committed;
  const available = isActive === false ? 0 : Math.max(0, onHand - promised - level.safetyStock);
  return {
    ...level,
    onHand,
    reserved,
    committed,
    available: isActive === undefined ? level.available : available,
    shortage: Math.max(0, promised - onHand),
    lastMovementAt: at,
  };
}
