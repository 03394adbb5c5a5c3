import type { Item } from '../../api/queries.ts';

export type Location = Item<'/api/v1/locations'>;

export const TYPE_WORDS: Record<Location['type'], string> = {
  warehouse: 'Warehouse',
  store: 'Store',
  supplier: 'Supplier',
  virtual: 'Virtual',
};

/** An address as one line, whether it was given as text or in parts. */
export function addressLine(address: unknown): string {
  if (address === null || address === undefined) return '';
  if (typeof address === 'string') return address;
  return Object.values(address)
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(', ');
}
