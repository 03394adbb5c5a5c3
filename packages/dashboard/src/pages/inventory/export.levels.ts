import { get, type Item } from '../../api/queries.ts';
import { csvCell } from './export.rules.ts';

type Level = Item<'/api/v1/inventory'>;

const PAGE_SIZE = 200;
/** A table that a spreadsheet can open. */
const ROWS_MAX = 100_000;

const FIELDS = [
  'sku',
  'location',
  'onHand',
  'reserved',
  'committed',
  'safetyStock',
  'available',
  'incoming',
  'shortage',
  'reorderPoint',
  'lastMovementAt',
] as const satisfies (keyof Level)[];

export interface Exported {
  csv: string;
  rows: number;
  /** There were more. */
  isCut: boolean;
}

/** Every row of the list as it is filtered and sorted, page by page. */
export async function exportLevels(
  asked: Record<string, string>,
  onProgress: (rows: number) => void,
  signal: AbortSignal,
): Promise<Exported> {
  const lines = [FIELDS.join(',')];
  let cursor: string | null = null;
  do {
    const query: Record<string, unknown> = { ...asked, limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) };
    const answer: { items: Level[]; nextCursor: string | null } = await get('/api/v1/inventory', { query }, signal);
    for (const level of answer.items) lines.push(FIELDS.map((field) => csvCell(level[field])).join(','));
    cursor = answer.nextCursor;
    onProgress(lines.length - 1);
  } while (cursor !== null && lines.length <= ROWS_MAX);
  return { csv: `${lines.join('\r\n')}\r\n`, rows: lines.length - 1, isCut: cursor !== null };
}
