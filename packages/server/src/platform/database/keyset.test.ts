import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../kernel/page.ts';
import { inOrder, parseSort, rowsAfter, type ListOrder } from './keyset.ts';

const kysely = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const LIST = { route: 'things' };
const byTime = (descending: boolean): ListOrder => ({
  columns: [
    { ref: 'thing.made_at', kind: 'time' },
    { ref: 'thing.id', kind: 'integer' },
  ],
  descending,
});

function statement(order: ListOrder, cursor: string | undefined) {
  const { sql: text, parameters } = sql`${rowsAfter(order, LIST, cursor)} ORDER BY ${inOrder(order)}`.compile(kysely);
  return { text, parameters };
}

describe('a list by key', () => {
  it('begins at its beginning', () => {
    expect(statement(byTime(false), undefined)).toEqual({
      text: 'true ORDER BY "thing"."made_at" ASC, "thing"."id" ASC',
      parameters: [],
    });
  });

  it('goes on after a row, in either direction', () => {
    const cursor = encodeCursor(LIST, [Date.UTC(2026, 10, 20, 10), 7]);
    const parameters = ['2026-11-20T10:00:00.000Z', 7];
    expect(statement(byTime(false), cursor)).toEqual({
      text: '("thing"."made_at", "thing"."id") > ($1::timestamptz, $2::bigint) ORDER BY "thing"."made_at" ASC, "thing"."id" ASC',
      parameters,
    });
    expect(statement(byTime(true), cursor)).toEqual({
      text: '("thing"."made_at", "thing"."id") < ($1::timestamptz, $2::bigint) ORDER BY "thing"."made_at" DESC, "thing"."id" DESC',
      parameters,
    });
  });

  it.each([
    ['of another list', encodeCursor({ route: 'others' }, [0, 7])],
    ['with a time before 1970', encodeCursor(LIST, [-1, 7])],
    ['with a time after 9999', encodeCursor(LIST, [253_402_300_800_000, 7])],
    ['with text for a number', encodeCursor(LIST, [0, '7'])],
    ['with a value too few', encodeCursor(LIST, [0])],
    ['that is none', 'xyz'],
  ])('refuses a cursor %s', (_what, cursor) => {
    expect(() => rowsAfter(byTime(false), LIST, cursor)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
  });
});

describe('a sort parameter', () => {
  it('is a field, descending with a minus', () => {
    expect(parseSort<'name'>('name')).toEqual({ field: 'name', descending: false });
    expect(parseSort<'name'>('-name')).toEqual({ field: 'name', descending: true });
  });
});
