import { QueryClient, queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { HoldfastError, type paths } from '@holdfast/client';
import { holdfast } from './holdfast.ts';

/** Paths that can be read. */
export type ReadPath = {
  [Path in keyof paths]: paths[Path] extends {
    get: { responses: { 200: { content: { 'application/json': unknown } } } };
  }
    ? Path
    : never;
}[keyof paths];

type Get<Path extends ReadPath> = paths[Path] extends { get: infer Operation } ? Operation : never;

/** What a path answers. */
export type Answer<Path extends ReadPath> =
  Get<Path> extends { responses: { 200: { content: { 'application/json': infer Body } } } } ? Body : never;

/** The parts of a path and of its query that may be given. */
export interface Asked<Path extends ReadPath> {
  path?: Get<Path> extends { parameters: { path: infer Parts } } ? Parts : never;
  query?: Get<Path> extends { parameters: { query?: infer Query } } ? Query : never;
}

/** Paths that answer page by page. */
export type ListPath = {
  [Path in ReadPath]: Answer<Path> extends { items: unknown[]; nextCursor: string | null } ? Path : never;
}[ReadPath];

export type Item<Path extends ListPath> = Answer<Path> extends { items: (infer Row)[] } ? Row : never;

/**
 * All data is under `[path, asked]`, the path as the OpenAPI document spells it: what an event makes stale is named by
 * that (live/live.rules.ts).
 */
export function keyOf<Path extends ReadPath>(path: Path, asked: Asked<Path> = {}): readonly [Path, Asked<Path>] {
  return [path, asked];
}

/** @throws HoldfastError */
export async function get<Path extends ReadPath>(
  path: Path,
  asked: Asked<Path> = {},
  signal?: AbortSignal,
): Promise<Answer<Path>> {
  // openapi-fetch types a call by a path that is known; here it is any of them.
  const call = holdfast.GET as (path: string, init: object) => Promise<{ data?: unknown }>;
  const { data } = await call(path, { params: asked, ...(signal === undefined ? {} : { signal }) });
  return data as Answer<Path>;
}

export function getOptions<Path extends ReadPath>(path: Path, asked: Asked<Path> = {}) {
  return queryOptions({
    queryKey: keyOf(path, asked),
    queryFn: ({ signal }) => get(path, asked, signal),
  });
}

/** What a path answers, kept fresh by events: `useGet('/api/v1/inventory/{sku}', { path: { sku } })`. */
export function useGet<Path extends ReadPath>(
  path: Path,
  asked: Asked<Path> = {},
  options: { enabled?: boolean; staleTime?: number; refetchInterval?: number } = {},
): UseQueryResult<Answer<Path>> {
  return useQuery({ ...getOptions(path, asked), ...options });
}

const STALE_AFTER_MS = 15_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_AFTER_MS,
      // A refusal is an answer; only silence is asked again.
      retry: (count, error) => count < 1 && error instanceof HoldfastError && error.status === 0,
      refetchOnWindowFocus: true,
      // What was shown stays while the server is away, with a note of when it was taken.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
