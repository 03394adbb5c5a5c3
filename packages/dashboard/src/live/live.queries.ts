import type { Query, QueryCacheNotifyEvent, QueryClient } from '@tanstack/react-query';
import { ALL_LOCATIONS, type Location } from '../api/all.locations.ts';
import { askAnew } from '../api/ask.anew.ts';
import type { Answer } from '../api/queries.ts';
import {
  afterMovement,
  rowOf,
  staleAfter,
  withRow,
  type HoldfastEvent,
  type Movement,
  type Row,
  type Stale,
} from './live.rules.ts';

/** Under a load of thousands of events a second, each number is asked for once in so long. */
const ASK_EVERY_MS = 900;
const LEVELS = '/api/v1/inventory';
const SUMS = '/api/v1/summary';
/** The server keeps its sums for a moment: only those that are so much newer than an event have it in them for certain. */
const SUMS_AFTER_MS = 1_000;

/** What an event changes of a page of a list. */
type Change = (page: unknown) => unknown;

/** Turns events into fresh data: balances are written at once, sums are asked for again soon. */
export class LiveQueries {
  readonly #client: QueryClient;
  readonly #waiting = new Map<string, Stale>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #lastAskMs = -Infinity;
  /** When what the sums depend on changed last. */
  #sumsChangedMs = -Infinity;
  #isStopped = false;
  /** Of pages that are on their way: they may have been read before these changes, and are changed again as they arrive. */
  readonly #onArrival = new WeakMap<Query, Change[]>();
  /** Lists that are read and have not all their rows any more: new ones are announced above them. */
  readonly #behind = new Set<string>();
  readonly #leaveCache: () => void;

  constructor(client: QueryClient) {
    this.#client = client;
    this.#leaveCache = client.getQueryCache().subscribe((event) => this.#onCache(event));
  }

  take(event: HoldfastEvent): void {
    const row = rowOf(event);
    if (row !== null) this.#writeRow(row);
    if (event.type === 'stock.changed') this.#writeLevel(event.data as Movement);
    for (const stale of staleAfter(event)) {
      this.#waiting.set(JSON.stringify(stale), stale);
      if (stale.sparesLists === true) this.#forgetUnread(stale.path);
      if (stale.path === SUMS) this.#sumsChangedMs = Math.max(this.#sumsChangedMs, Date.parse(event.time));
    }
    this.#askSoon();
  }

  stop(): void {
    this.#isStopped = true;
    this.#leaveCache();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Everything that is shown, for when events may have been missed or there are none. */
  askAll(): void {
    void askAnew(this.#client, { predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/api/') });
  }

  #askSoon(): void {
    if (this.#timer !== null || this.#waiting.size === 0) return;
    const dueInMs = Math.max(30, this.#lastAskMs + ASK_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => this.#ask(), dueInMs);
  }

  #ask(): void {
    this.#timer = null;
    this.#lastAskMs = performance.now();
    const stale = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { path, part, sparesLists } of stale) {
      const asked = askAnew(this.#client, {
        queryKey: part === undefined ? [path] : [path, { path: part }],
        predicate: ({ meta }) => sparesLists !== true || meta?.['isList'] !== true,
      });
      if (path === SUMS) void asked.then(() => this.#askOldSumsAgain());
    }
  }

  #askOldSumsAgain(): void {
    const sums = this.#client.getQueryCache().find<Answer<typeof SUMS>>({ queryKey: [SUMS], exact: false });
    if (sums?.isActive() !== true || sums.state.status !== 'success' || this.#isStopped) return;
    const { data } = sums.state;
    if (data === undefined || Date.parse(data.asOf) >= this.#sumsChangedMs + SUMS_AFTER_MS) return;
    this.#waiting.set(SUMS, { path: SUMS });
    this.#askSoon();
  }

  /** The rows that somebody reads stay where they are. A list that nobody reads is asked for anew when it is shown again. */
  #forgetUnread(path: string): void {
    const pages = this.#pages([path]);
    const read = readOf(pages);
    for (const page of pages) {
      if (read.has(listOf(page))) this.#behind.add(listOf(page));
      else if (!page.state.isInvalidated) page.invalidate();
    }
  }

  /** A list that was left with rows announced above it. */
  #forgetLeft(): void {
    const pages = this.#pages([]);
    const read = readOf(pages);
    for (const page of pages) if (this.#behind.has(listOf(page)) && !read.has(listOf(page))) page.invalidate();
    for (const list of this.#behind) if (!read.has(list)) this.#behind.delete(list);
  }

  #pages(queryKey: readonly string[]): Query[] {
    return this.#client.getQueryCache().findAll({ queryKey, predicate: isListPage });
  }

  #writeLevel(movement: Movement): void {
    const places = (): readonly Location[] | undefined => this.#client.getQueryData(ALL_LOCATIONS);
    // What is available depends on the place: where none is known, the server is asked.
    if (places() === undefined) this.#waiting.set(LEVELS, { path: LEVELS });
    this.#writeItems<Answer<typeof LEVELS>['items'][number]>(LEVELS, (items) => {
      const known = places();
      const isActive = known && (known.find(({ code }) => code === movement.location)?.active ?? true);
      const next = items.map((level) => afterMovement(level, movement, isActive));
      return next.every((level, index) => level === items[index]) ? items : next;
    });
  }

  #writeRow(row: Row): void {
    this.#writeItems<object>(row.list, (items) => withRow(items, row));
  }

  /** In every page of the list that is known, or on its way; and in the whole of it. */
  #writeItems<Item>(path: string, change: (items: readonly Item[]) => readonly Item[]): void {
    const changePage: Change = (page) => {
      if (Array.isArray(page)) return change(page);
      const { items } = (page ?? {}) as { items?: readonly Item[] };
      const changed = items === undefined ? items : change(items);
      return changed === items ? page : { ...(page as object), items: changed };
    };
    this.#client.setQueriesData({ queryKey: [path] }, changePage);
    for (const query of this.#client.getQueryCache().findAll({ queryKey: [path], fetchStatus: 'fetching' })) {
      const waiting = this.#onArrival.get(query);
      if (waiting === undefined) this.#onArrival.set(query, [changePage]);
      else waiting.push(changePage);
    }
  }

  #onCache(event: QueryCacheNotifyEvent): void {
    const query = event.query as Query;
    // From one page to another, the list that is read has none for a moment.
    if (event.type === 'observerRemoved' && this.#behind.size > 0) queueMicrotask(() => this.#forgetLeft());
    if (event.type !== 'updated') return;
    // What is asked for anew is asked for after the changes, and has them in it.
    if (event.action.type === 'fetch') {
      this.#onArrival.delete(query);
      if (isTop(query)) this.#behind.delete(listOf(query));
    }
    if (event.action.type === 'success' && event.action.manual !== true) this.#changeArrived(query);
  }

  #changeArrived(query: Query): void {
    const changes = this.#onArrival.get(query);
    if (changes === undefined) return;
    this.#onArrival.delete(query);
    this.#client.setQueryData(query.queryKey, (page: unknown) =>
      changes.reduce((known, change) => change(known), page),
    );
  }
}

function isListPage({ meta }: Query): boolean {
  return meta?.['isList'] === true;
}

/** The lists of which somebody reads a page. */
function readOf(pages: Query[]): ReadonlySet<string> {
  return new Set(pages.filter((page) => page.isActive()).map(listOf));
}

/** Whether it is the first page of its list. */
function isTop({ queryKey: [, asked] }: Query): boolean {
  return (asked as { query?: { cursor?: string } } | undefined)?.query?.cursor === undefined;
}

/** Which list it is a page of. */
function listOf({ queryKey: [path, asked] }: Query): string {
  return JSON.stringify([path, asked], (name, value: unknown) => (name === 'cursor' ? undefined : value));
}
