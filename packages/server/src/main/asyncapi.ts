import { AlertSchema } from '../modules/alerts/index.ts';
import { ProductSchema } from '../modules/catalog/index.ts';
import { asyncApiDocument, type EventPayloads } from '../modules/events/index.ts';
import { LevelSchema } from '../modules/inventory/index.ts';
import { RunSummarySchema } from '../modules/jobs/index.ts';
import { LedgerEntrySchema } from '../modules/ledger/index.ts';
import { LocationSchema } from '../modules/locations/index.ts';
import { LimitedSchema } from '../modules/rate-limits/index.ts';
import { ReservationSchema } from '../modules/reservations/index.ts';
import { TransferSchema } from '../modules/transfers/index.ts';
import { VERSION } from './version.ts';

/** What each type of event carries, by the schemas of the features that make them. */
const PAYLOADS: EventPayloads = {
  'stock.changed': LedgerEntrySchema,
  'reservation.created': ReservationSchema,
  'reservation.confirmed': ReservationSchema,
  'reservation.shipped': ReservationSchema,
  'reservation.cancelled': ReservationSchema,
  'reservation.expired': ReservationSchema,
  'reservation.changed': ReservationSchema,
  'reservation.extended': ReservationSchema,
  'transfer.created': TransferSchema,
  'alert.opened': AlertSchema,
  'alert.acknowledged': AlertSchema,
  'alert.resolved': AlertSchema,
  'level.updated': LevelSchema,
  'product.created': ProductSchema,
  'product.updated': ProductSchema,
  'product.archived': ProductSchema,
  'location.created': LocationSchema,
  'location.updated': LocationSchema,
  'location.archived': LocationSchema,
  'rate_limit.limited': LimitedSchema,
  'run.queued': RunSummarySchema,
  'run.held': RunSummarySchema,
  'run.skipped': RunSummarySchema,
  'run.started': RunSummarySchema,
  'run.progressed': RunSummarySchema,
  'run.retrying': RunSummarySchema,
  'run.succeeded': RunSummarySchema,
  'run.failed': RunSummarySchema,
  'run.cancel_requested': RunSummarySchema,
  'run.cancelled': RunSummarySchema,
  'run.deadline_at_risk': RunSummarySchema,
  'run.deadline_missed': RunSummarySchema,
};

/** The AsyncAPI document of this version. */
export function eventDocument(): object {
  return asyncApiDocument({ version: VERSION, payloads: PAYLOADS });
}
