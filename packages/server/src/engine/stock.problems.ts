import type { ProblemKind } from '../kernel/problem.ts';

/** Why a command on stock can be refused. */
export const stockProblems = {
  productNotFound: { code: 'product_not_found', status: 404, title: 'There is no such product' },
  locationNotFound: { code: 'location_not_found', status: 404, title: 'There is no such location' },
  reservationNotFound: { code: 'reservation_not_found', status: 404, title: 'There is no such reservation' },
  lineNotFound: { code: 'line_not_found', status: 404, title: 'The reservation has no such line' },
  productArchived: { code: 'product_archived', status: 409, title: 'The product is archived' },
  productInUse: { code: 'product_in_use', status: 409, title: 'The product has stock or open reservations' },
  duplicateSku: { code: 'duplicate_sku', status: 409, title: 'The sku is taken' },
  locationArchived: { code: 'location_archived', status: 409, title: 'The location is archived' },
  locationInactive: { code: 'location_inactive', status: 409, title: 'The location takes no new reservations' },
  insufficientStock: { code: 'insufficient_stock', status: 409, title: 'There is not enough stock' },
  stockBelowPromised: { code: 'stock_below_promised', status: 409, title: 'Less than what is promised would be left' },
  quantityOutOfRange: { code: 'quantity_out_of_range', status: 409, title: 'The level would hold more than it can' },
  quantityExceedsOpen: { code: 'quantity_exceeds_open', status: 409, title: 'More than is open was asked for' },
  invalidTransition: { code: 'invalid_transition', status: 409, title: 'Its state does not allow that' },
  reservationExpired: { code: 'reservation_expired', status: 409, title: 'The hold has expired' },
  versionConflict: { code: 'version_conflict', status: 409, title: 'The level is not as expected' },
} as const satisfies Record<string, ProblemKind>;
