import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useQueries, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { askAnew } from './ask.anew.ts';
import { getOptions, keyOf, type Answer, type Asked, type Item, type ListPath } from './queries.ts';
import { Left, useStep } from './use.left.ts';

/** What one page asks for: fewer requests while scrolling, and still quick. */
const PAGE_SIZE = 200;
/** Pages that were scrolled away from are forgotten, and asked for again by their cursor when they come back. */
const FORGET_MS = 60_000;

/** The rows of a list that may have millions, by their place in it. */
export interface PagedRows<Row> {
  /** What was asked for: another list where it is another. */
  identity: string;
  /** How many are known to be there; more where `hasMore`. */
  count: number;
  hasMore: boolean;
  isLoading: boolean;
  error: Error | null;
  /** Null while it is on its way. */
  rowAt: (index: number) => Row | null;
  /** Tells which rows are in view: only their pages are asked for. */
  onRange: (first: number, last: number) => void;
  /** The rows from one place to another, both included, also of pages that are not in view. @throws HoldfastError */
  load: (from: number, to: number) => Promise<Row[]>;
  /** Begins anew at the top. */
  refresh: () => void;
  /** When the top of it was taken, in milliseconds since 1970. */
  takenAtMs: number;
}

/** What every list answers. */
interface Page {
  items: unknown[];
  nextCursor: string | null;
}

interface Range {
  first: number;
  last: number;
}

/** The first cursor is null; each page's `nextCursor` is the next one's. */
type Cursors = readonly (string | null)[];

const left = new Left<State>();

/**
 * A list by its cursors: it holds the cursor of every page that was reached and the rows of those in view. A million rows
 * are five thousand short strings, and a scroll past them asks for the page where it stops, not for all on the way.
 */
export function usePages<Path extends ListPath>(path: Path, asked: Asked<Path> = {}): PagedRows<Item<Path>> {
  const client = useQueryClient();
  const identity = JSON.stringify(keyOf(path, asked));
  const place = `${useStep()} ${identity}`;
  const [state, setState] = useState(() => left.get(place) ?? fresh(identity));
  const latest = useRef(state);
  useLayoutEffect(() => {
    latest.current = state;
  }, [state]);
  useLayoutEffect(() => () => left.set(place, latest.current), [place]);
  const { cursors, range, sizes } = state.identity === identity ? state : fresh(identity);
  const firstPage = Math.floor(range.first / PAGE_SIZE);
  const lastPage = Math.min(cursors.length - 1, Math.floor(range.last / PAGE_SIZE));
  const shown = useMemo(
    () => Array.from({ length: lastPage - firstPage + 1 }, (_, index) => firstPage + index),
    [firstPage, lastPage],
  );
  const queries = useQueries({
    queries: shown.map((page) => ({
      ...pageOptions(path, asked, cursors[page] ?? null),
      // Rows do not move under the reader's eyes: events are written into them, or announced above.
      refetchOnWindowFocus: false,
    })),
  }) as UseQueryResult<Answer<Path>>[];

  const answers = queries.map(({ data }) => data as Page | undefined);
  useEffect(() => {
    setState((known) => takeAnswers(known.identity === identity ? known : fresh(identity), shown, answers));
    // The answers themselves are what it depends on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [identity, shown, ...answers]);

  const onRange = useCallback(
    (first: number, last: number) => {
      setState((known) => {
        const base = known.identity === identity ? known : fresh(identity);
        const isSame = base.range.first === first && base.range.last === last;
        return isSame && base === known ? known : { ...base, range: { first, last } };
      });
    },
    [identity],
  );
  const refresh = useCallback(() => {
    setState(fresh(identity));
    client.removeQueries({ queryKey: [path], type: 'inactive' });
    void askAnew(client, { queryKey: keyOf(path, asked) });
    // `identity` stands for path and asked.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, identity]);

  const load = async (from: number, to: number): Promise<Item<Path>[]> => {
    const page = Math.floor(from / PAGE_SIZE);
    const reached = cursors.slice(page, Math.floor(to / PAGE_SIZE) + 1);
    const all = await Promise.all(reached.map((cursor) => client.query(pageOptions(path, asked, cursor))));
    const rows = all.flatMap((answer) => (answer as Page).items as Item<Path>[]);
    return rows.slice(from - page * PAGE_SIZE, to + 1 - page * PAGE_SIZE);
  };

  const rowAt = (index: number): Item<Path> | null => {
    const answer = answers[Math.floor(index / PAGE_SIZE) - firstPage];
    return (answer?.items[index % PAGE_SIZE] as Item<Path> | undefined) ?? null;
  };
  const lastSize = sizes.get(cursors.length - 1);
  return {
    identity,
    count: (cursors.length - 1) * PAGE_SIZE + (lastSize ?? 0),
    hasMore: lastSize === undefined,
    isLoading: queries.some(({ isPending }) => isPending),
    error: queries.find(({ error }) => error !== null)?.error ?? null,
    rowAt,
    onRange,
    load,
    refresh,
    takenAtMs: queries[0]?.dataUpdatedAt ?? 0,
  };
}

interface State {
  identity: string;
  cursors: Cursors;
  range: Range;
  /** Of the last page, once it is known to be the last. */
  sizes: ReadonlyMap<number, number>;
}

function fresh(identity: string): State {
  return { identity, cursors: [null], range: { first: 0, last: 0 }, sizes: new Map() };
}

/** Chains the cursors on. Where a page's end has moved, what came after it is not valid any more. */
function takeAnswers(state: State, pages: readonly number[], answers: readonly (Page | undefined)[]): State {
  let { cursors, sizes } = state;
  for (const [index, page] of pages.entries()) {
    const answer = answers[index];
    if (answer === undefined || page >= cursors.length) continue;
    if (answer.nextCursor === null) {
      if (cursors.length > page + 1) cursors = cursors.slice(0, page + 1);
      if (sizes.get(page) !== answer.items.length) sizes = new Map([[page, answer.items.length]]);
    } else if (cursors[page + 1] !== answer.nextCursor) {
      cursors = [...cursors.slice(0, page + 1), answer.nextCursor];
      sizes = new Map();
    }
  }
  return cursors === state.cursors && sizes === state.sizes ? state : { ...state, cursors, sizes };
}

function pageOptions<Path extends ListPath>(path: Path, asked: Asked<Path>, cursor: string | null) {
  const options = getOptions(path, askedOf(asked, cursor));
  return { ...options, meta: { isList: true }, gcTime: FORGET_MS, staleTime: Infinity };
}

function askedOf<Path extends ListPath>(asked: Asked<Path>, cursor: string | null): Asked<Path> {
  const query = { ...(asked.query as object), limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) };
  return { ...asked, query } as Asked<Path>;
}
