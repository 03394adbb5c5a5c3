import { toRfc3339 } from '../kernel/clock.ts';

export type ReservationStatus = 'pending' | 'confirmed' | 'shipped' | 'cancelled' | 'expired';
export type ReservationType = 'order' | 'cart' | 'manual';

/** What a reservation's row says, times in milliseconds since the epoch. */
export interface ReservationFacts {
  id: string;
  status: ReservationStatus;
  type: ReservationType;
  orderId: string | null;
  userId: string | null;
  expiresAt: number;
  createdAt: number;
  confirmedAt: number | null;
  shippedAt: number | null;
  cancelledAt: number | null;
  cancelReason: string | null;
  expiredAt: number | null;
  version: number;
}

/** A line as the API shows it. The pieces of a split line share `line`, the index of the request's line. */
export interface LineView {
  sku: string;
  /** null where nothing was placed. */
  location: string | null;
  quantity: number;
  requested: number;
  shipped: number;
  cancelled: number;
  attributes: Record<string, unknown> | null;
  line: number;
}

/** A reservation as the API shows it. */
export interface ReservationView {
  id: string;
  status: ReservationStatus;
  type: ReservationType;
  orderId: string | null;
  userId: string | null;
  lines: LineView[];
  expiresAt: string;
  createdAt: string;
  confirmedAt: string | null;
  shippedAt: string | null;
  cancelledAt: string | null;
  cancelReason: string | null;
  expiredAt: string | null;
  version: number;
}

/** Whether its time has come and no sweep has written it yet. */
export function isLapsed(reservation: Pick<ReservationFacts, 'status' | 'expiresAt'>, nowMs: number): boolean {
  return reservation.status === 'pending' && reservation.expiresAt <= nowMs;
}

/**
 * A lapsed hold is shown as its release will leave it: expired at the instant of its expiry, with the version that the
 * release will write.
 *
 * @param lines in the order of their line_no; kept, not copied
 * @param nowMs the database's clock
 */
export function reservationView(reservation: ReservationFacts, lines: LineView[], nowMs: number): ReservationView {
  const lapsed = isLapsed(reservation, nowMs);
  return {
    id: reservation.id,
    status: lapsed ? 'expired' : reservation.status,
    type: reservation.type,
    orderId: reservation.orderId,
    userId: reservation.userId,
    lines,
    expiresAt: toRfc3339(reservation.expiresAt),
    createdAt: toRfc3339(reservation.createdAt),
    confirmedAt: shownTime(reservation.confirmedAt),
    shippedAt: shownTime(reservation.shippedAt),
    cancelledAt: shownTime(reservation.cancelledAt),
    cancelReason: reservation.cancelReason,
    expiredAt: shownTime(lapsed ? reservation.expiresAt : reservation.expiredAt),
    version: lapsed ? reservation.version + 1 : reservation.version,
  };
}

function shownTime(epochMs: number | null): string | null {
  return epochMs === null ? null : toRfc3339(epochMs);
}
