import type { components } from './openapi.ts';

type Schemas = components['schemas'];
type Reservation = Schemas['Reservation'];
type Run = Schemas['RunSummary'];

/** Who was refused by which rule: told once a minute, however often it was refused. */
export interface RateLimitLimited {
  rateLimit: { id: string; name: string | null };
  subject: string;
  minute: string;
}

/** What each type of event carries: the ledger entry, or the resource as the command left it. */
export interface EventData {
  'stock.changed': Schemas['LedgerEntry'];
  'reservation.created': Reservation;
  'reservation.confirmed': Reservation;
  'reservation.shipped': Reservation;
  'reservation.cancelled': Reservation;
  'reservation.expired': Reservation;
  'reservation.changed': Reservation;
  'reservation.extended': Reservation;
  'transfer.created': Schemas['Transfer'];
  'alert.opened': Schemas['Alert'];
  'alert.acknowledged': Schemas['Alert'];
  'alert.resolved': Schemas['Alert'];
  'level.updated': Schemas['Level'];
  'product.created': Schemas['Product'];
  'product.updated': Schemas['Product'];
  'product.archived': Schemas['Product'];
  'location.created': Schemas['Location'];
  'location.updated': Schemas['Location'];
  'location.archived': Schemas['Location'];
  'rate_limit.limited': RateLimitLimited;
  'run.queued': Run;
  'run.held': Run;
  'run.skipped': Run;
  'run.started': Run;
  'run.progressed': Run;
  'run.retrying': Run;
  'run.succeeded': Run;
  'run.failed': Run;
  'run.cancel_requested': Run;
  'run.cancelled': Run;
  'run.deadline_at_risk': Run;
  'run.deadline_missed': Run;
}

export type EventType = keyof EventData;

/** A CloudEvent 1.0 of one type. */
export interface EventOf<Type extends EventType> {
  specversion: '1.0';
  /** The same for ever, in every delivery: what to drop repeats by. */
  id: string;
  source: string;
  type: Type;
  /** The sku, code or id that it is about. */
  subject: string;
  /** RFC 3339. */
  time: string;
  datacontenttype: 'application/json';
  /** Where it stands in the stream: `after` for what follows. */
  position: number;
  actor: string;
  data: EventData[Type];
}

/** An event: `type` tells what `data` is. */
export type HoldfastEvent = { [Type in EventType]: EventOf<Type> }[EventType];
