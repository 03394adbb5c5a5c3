import {
  compareReservations,
  findStrayLines,
  type ReservationRow,
  type ReservationSlice,
} from './reservation.check.sql.ts';
import type { KeyRange, Snapshot } from './snapshot.sql.ts';
import type { Differences } from './verification.report.ts';

const CHECK = 'reservation_status_is_that_of_its_lines';

/** Every line belongs to a reservation that knows of it. */
export async function checkLines(tx: Snapshot, range: KeyRange, differences: Differences): Promise<void> {
  for (const line of await findStrayLines(tx, range)) {
    const { sku, location, reservationId: subject, status, productId, lineNo } = line;
    const detail =
      status === null
        ? `line ${lineNo} belongs to a reservation that does not exist`
        : `line ${lineNo} is of product ${productId}, which its reservation does not list`;
    differences.add(CHECK, { sku, location, subject }, detail);
  }
}

/** The next reservations by id: each has the status that its lines say. */
export async function checkReservations(
  tx: Snapshot,
  page: { after: string | null; until: string; limit: number },
  differences: Differences,
): Promise<ReservationSlice> {
  const slice = await compareReservations(tx, page.after, page.until, page.limit);
  for (const row of slice.differing) differences.add(CHECK, { subject: row.id }, explain(row));
  return slice;
}

function explain(row: ReservationRow): string {
  if (row.lines === 0) return `the reservation is ${row.status} and has no lines`;
  if (row.expiryDiffers > 0) return `${row.expiryDiffers} held lines expire at another time than their reservation`;
  const { status, lines, held, committed, open, expired, shippedUnits } = row;
  return (
    `the reservation is ${status}; of its ${lines} lines ${held} are held, ${committed} committed (${open} of them ` +
    `with open units), ${expired} expired, and ${shippedUnits} units were shipped`
  );
}
