import type { Movement } from '../../live/live.rules.ts';

export interface Balances {
  onHand: number;
  reserved: number;
  committed: number;
}

export interface Course {
  times: number[];
  onHand: number[];
  reserved: number[];
  committed: number[];
}

/**
 * The balances over time, exactly, from what they are now and every movement since `fromMs`: a point at each movement, one
 * at the beginning and one at the end.
 */
export function courseFromLedger(
  now: Balances,
  movements: readonly Pick<Movement, 'at' | 'deltaOnHand' | 'deltaReserved' | 'deltaCommitted'>[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Course {
  const newestFirst = movements
    .map((movement) => ({ ...movement, atMs: Date.parse(movement.at) }))
    .filter(({ atMs }) => atMs >= fromMs)
    .sort((left, right) => right.atMs - left.atMs);
  // What moved since `toMs` was looked at is in the balances of now: the course ends with it.
  const endMs = Math.max(toMs, newestFirst[0]?.atMs ?? toMs);
  const points: [number, Balances][] = [[endMs, { ...now }]];
  const balances = { ...now };
  for (const { atMs, deltaOnHand, deltaReserved, deltaCommitted } of newestFirst) {
    // Movements of one command share their instant: one point for them all.
    if (points.at(-1)?.[0] !== atMs) points.push([atMs, { ...balances }]);
    balances.onHand -= deltaOnHand;
    balances.reserved -= deltaReserved;
    balances.committed -= deltaCommitted;
  }
  if (points.at(-1)?.[0] !== fromMs) points.push([fromMs, { ...balances }]);
  points.reverse();
  return {
    times: points.map(([time]) => time),
    onHand: points.map(([, { onHand }]) => onHand),
    reserved: points.map(([, { reserved }]) => reserved),
    committed: points.map(([, { committed }]) => committed),
  };
}

/** Instants in equal steps, both ends included: where there are too many movements, the server is asked for each of them. */
export function instantsBetween(fromMs: number, toMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.round(fromMs + ((toMs - fromMs) * index) / (count - 1)));
}
