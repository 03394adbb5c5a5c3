export type ReservationState = 'pending' | 'confirmed' | 'shipped' | 'cancelled' | 'expired';

export const STATE_WORDS: Record<ReservationState, string> = {
  pending: 'Pending',
  confirmed: 'Confirmed',
  shipped: 'Shipped',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

const SHAPES = {
  pending: 'ring',
  confirmed: 'half',
  shipped: 'full',
  cancelled: 'cross',
  expired: 'dashed',
} as const satisfies Record<ReservationState, string>;

export function shapeOf(state: ReservationState): (typeof SHAPES)[ReservationState] {
  return SHAPES[state];
}

/** How much of a hold's time is left, from 1 to 0. */
export function shareLeft(createdAt: string, expiresAt: string, nowMs: number): number {
  const [from, to] = [Date.parse(createdAt), Date.parse(expiresAt)];
  if (!(to > from)) return 0;
  return Math.min(1, Math.max(0, (to - nowMs) / (to - from)));
}
