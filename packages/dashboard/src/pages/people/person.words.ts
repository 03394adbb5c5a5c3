import type { Item } from '../../api/queries.ts';

export type Person = Item<'/api/v1/people'>;
