import { createHash } from 'node:crypto';
import { UUID_PATTERN } from './ids.ts';
import { Problem, problems } from './problem.ts';

export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;

/** One page of a list. */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** What a cursor may hold: times stand in it as milliseconds, so that nothing but a number or a name reaches SQL. */
export type CursorColumn = 'string' | 'integer' | 'uuid';

const UUID = new RegExp(UUID_PATTERN);

/** The values of the sort columns of a page's last row: where the next page goes on. */
export type CursorPosition = readonly (string | number | null)[];

/**
 * A cursor carries its position and a digest of the list it belongs to (route, filter, sort), so that one taken to
 * another list is refused instead of answering nonsense. It is not a secret: it shows nothing that the page did not.
 */
export function encodeCursor(list: object, position: CursorPosition): string {
  return Buffer.from(JSON.stringify([listDigest(list), ...position])).toString('base64url');
}

/** @throws Problem `invalid_cursor` */
export function decodeCursor(list: object, cursor: string, columns: readonly CursorColumn[]): CursorPosition {
  const position = parseCursor(cursor);
  const [digest, ...values] = position ?? [];
  const fits =
    digest === listDigest(list) &&
    values.length === columns.length &&
    values.every((value, index) => isOfKind(value, columns[index]));
  if (!fits) throw new Problem(problems.invalidCursor, 'Take the cursor from nextCursor of the same list.');
  return values as CursorPosition;
}

/** Cuts one row more than the limit off a list and makes its cursor. */
export function toPage<Row, Item>(
  list: object,
  limit: number,
  rows: Row[],
  positionOf: (row: Row) => CursorPosition,
  toItem: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: kept.map(toItem), nextCursor: more ? encodeCursor(list, positionOf(last)) : null };
}

function parseCursor(cursor: string): unknown[] | null {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node's decoder passes over what is no base64url.
  if (bytes.toString('base64url') !== cursor) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function isOfKind(value: unknown, kind: CursorColumn | undefined): boolean {
  if (kind === 'integer') return Number.isSafeInteger(value);
  if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) return false;
  return kind !== 'uuid' || UUID.test(value);
}

function listDigest(list: object): string {
  const entries = Object.entries(list).filter(([, value]) => value !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 12);
}
