import type { Item } from '../../api/queries.ts';

export type Webhook = Item<'/api/v1/webhooks'>;
export type Delivery = Item<'/api/v1/webhooks/{id}/deliveries'>;
export type EventPattern = Webhook['events'][number];

/** What one can ask for, all of a kind at a time. */
export const EVENT_CHOICES: readonly { value: EventPattern; label: string }[] = [
  { value: '*', label: 'Everything' },
  { value: 'stock.changed', label: 'Each movement of stock' },
  { value: 'reservation.*', label: 'Reservations' },
  { value: 'alert.*', label: 'Alerts' },
  { value: 'transfer.*', label: 'Transfers' },
  { value: 'product.*', label: 'Products' },
  { value: 'location.*', label: 'Locations' },
  { value: 'level.*', label: 'Settings of levels' },
];

export const DELIVERY_WORDS: Record<Delivery['status'], string> = {
  pending: 'Waiting',
  delivered: 'Delivered',
  set_aside: 'Set aside',
  failed: 'Given up',
};

const REASON_WORDS: Record<NonNullable<Webhook['disabledReason']>, string> = {
  request: 'paused',
  gone: 'the endpoint said that it is gone (410)',
  unreachable: 'the endpoint took nothing for three days',
};

export function whyDisabled({ disabledReason }: Webhook): string {
  return disabledReason === null ? 'paused' : REASON_WORDS[disabledReason];
}

export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
