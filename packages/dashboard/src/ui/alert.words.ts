import type { Item } from '../api/queries.ts';

export type Alert = Item<'/api/v1/alerts'>;

export const TYPE_WORDS: Record<Alert['type'], string> = {
  low_stock: 'Low stock',
  out_of_stock: 'Out of stock',
  overstock: 'Overstock',
  shortage: 'Shortage',
};

export const STATUS_WORDS: Record<Alert['status'], string> = {
  active: 'Active',
  acknowledged: 'Acknowledged',
  resolved: 'Resolved',
};
