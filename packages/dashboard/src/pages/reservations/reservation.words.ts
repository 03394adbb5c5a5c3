import type { Item } from '../../api/queries.ts';

export type Reservation = Item<'/api/v1/reservations'>;
export type Line = Reservation['lines'][number];

/** What people call it: the order, or the end of its own id. */
export function nameOf({ orderId, id }: Reservation): string {
  return orderId ?? `…${id.slice(-8)}`;
}

export function unitsOf({ lines }: Reservation): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

export function openUnitsOf({ quantity, shipped, cancelled }: Line): number {
  return quantity - shipped - cancelled;
}

/** `MUG-BLUE and 2 more`. */
export function whatOf({ lines }: Reservation): string {
  const skus = [...new Set(lines.map(({ sku }) => sku))];
  const [first = ''] = skus;
  return skus.length > 1 ? `${first} and ${skus.length - 1} more` : first;
}
