import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ALL_LOCATIONS } from '../api/all.locations.ts';
import { LiveQueries } from './live.queries.ts';

interface Run {
  id: string;
  status: string;
}

const RUNS: readonly unknown[] = ['/api/v1/runs', { query: {} }];
const RUNS_BELOW: readonly unknown[] = ['/api/v1/runs', { query: { cursor: 'c' } }];
const pageOf = (...items: Run[]): { items: Run[]; nextCursor: null } => ({ items, nextCursor: null });
const nowIs = (id: string, status: string): Parameters<LiveQueries['take']>[0] => ({
  type: `run.${status}`,
  subject: id,
  time: '2026-11-20T10:00:00.000Z',
  data: { id, status, job: { id: 'j' } },
});

/** Pages that are asked for, the oldest question first: each is answered by hand. */
let asked: ((page: ReturnType<typeof pageOf>) => void)[];
let client: QueryClient;
let queries: LiveQueries;
let observer: QueryObserver<ReturnType<typeof pageOf>>;
let leave: () => void;

/** Reads a page of the list. */
function observe(queryKey: readonly unknown[]): typeof observer {
  return new QueryObserver(client, {
    queryKey,
    queryFn: () => new Promise<ReturnType<typeof pageOf>>((resolve) => asked.push(resolve)),
    staleTime: Infinity,
    meta: { isList: true },
  });
}

const shown = (): Record<string, string> =>
  Object.fromEntries((observer.getCurrentResult().data?.items ?? []).map(({ id, status }) => [id, status]));

beforeEach(() => {
  asked = [];
  client = new QueryClient({ defaultOptions: { queries: { networkMode: 'always' } } });
  queries = new LiveQueries(client);
  observer = observe(RUNS);
  leave = observer.subscribe(() => undefined);
});

afterEach(() => {
  leave();
  queries.stop();
  client.clear();
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function answer(...items: Run[]): Promise<void> {
  asked.shift()!(pageOf(...items));
  await settled();
}

test('what happens while a list is on its way is in it when it arrives', async () => {
  queries.take(nowIs('a', 'started'));
  queries.take(nowIs('a', 'succeeded'));
  queries.take(nowIs('not among them', 'succeeded'));
  await answer({ id: 'a', status: 'queued' }, { id: 'b', status: 'queued' });
  expect(shown()).toEqual({ a: 'succeeded', b: 'queued' });
});

test('and while it is asked for again', async () => {
  await answer({ id: 'a', status: 'queued' });
  void observer.refetch();
  queries.take(nowIs('a', 'succeeded'));
  expect(shown()).toEqual({ a: 'succeeded' });
  await answer({ id: 'a', status: 'queued' });
  expect(shown()).toEqual({ a: 'succeeded' });
});

test('what was asked for after it happened is shown as it was answered', async () => {
  await answer({ id: 'a', status: 'queued' });
  void observer.refetch();
  queries.take(nowIs('a', 'started'));
  // In the place of the one before.
  void observer.refetch({ cancelRefetch: true });
  asked.shift();
  await answer({ id: 'a', status: 'succeeded' });
  expect(shown()).toEqual({ a: 'succeeded' });
});

test('a list that was left without its new rows is asked for anew when it is come back to', async () => {
  await answer({ id: 'a', status: 'queued' });
  queries.take(nowIs('b', 'queued'));
  leave();
  await settled();
  leave = observe(RUNS).subscribe(() => undefined);
  expect(asked).toHaveLength(1);
});

test('one that has all its rows is not', async () => {
  await answer({ id: 'a', status: 'queued' });
  queries.take(nowIs('b', 'queued'));
  void observer.refetch();
  await answer({ id: 'b', status: 'queued' }, { id: 'a', status: 'queued' });
  leave();
  await settled();
  leave = observe(RUNS).subscribe(() => undefined);
  expect(asked).toEqual([]);
});

test('nor is a page that was scrolled away from while the list is read', async () => {
  await answer({ id: 'a', status: 'queued' });
  queries.take(nowIs('b', 'queued'));
  leave();
  const leaveBelow = observe(RUNS_BELOW).subscribe(() => undefined);
  await answer({ id: 'z', status: 'queued' });
  leave = observe(RUNS).subscribe(() => undefined);
  leaveBelow();
  await settled();
  expect(asked).toEqual([]);
});

test('what is on its way for the first time while it changes is asked for once more when it is here', async () => {
  queries.askAll();
  queries.askAll();
  await answer({ id: 'a', status: 'queued' });
  expect(asked).toHaveLength(1);
  await answer({ id: 'a', status: 'succeeded' });
  expect(shown()).toEqual({ a: 'succeeded' });
  expect(asked).toEqual([]);
});

test('an answer that takes longer than the next change is shown all the same, and asked for again', async () => {
  await answer({ id: 'a', status: 'queued' });
  for (const status of ['running', 'succeeded']) {
    queries.askAll();
    queries.askAll();
    await answer({ id: 'a', status });
    expect(shown()).toEqual({ a: status });
  }
  expect(asked).toHaveLength(1);
});

test('what is available after a movement goes by how its place is now, also where that is on its way', async () => {
  leave();
  const [levels, places] = [['/api/v1/inventory', {}], ALL_LOCATIONS];
  const level = { sku: 'MUG', location: 'SHUT', onHand: 5, reserved: 0, committed: 0, safetyStock: 0, available: 0 };
  const moved = { ...level, deltaOnHand: 1, onHand: 6, seq: 1, at: '2026-11-20T10:00:00.000Z' };
  const movement = { type: 'stock.changed', subject: 'MUG', time: moved.at, data: moved };
  const available = (): unknown[] =>
    client.getQueryData<{ items: { available: number }[] }>(levels)!.items.map((one) => one.available);
  const show = (): void => void client.setQueryData(levels, { items: [{ ...level, lastMovementAt: null }] });

  client.setQueryData(places, [{ code: 'SHUT', active: false, version: 1 }]);
  show();
  queries.take(movement);
  expect(available()).toEqual([0]);
  const opened = { code: 'SHUT', active: true, version: 2 };
  queries.take({ type: 'location.updated', subject: 'SHUT', time: moved.at, data: opened });
  show();
  queries.take(movement);
  expect(available()).toEqual([6]);
});

test('where no place is known yet, nothing is said to be available that may not be', async () => {
  leave();
  const levels = ['/api/v1/inventory', {}];
  const level = { sku: 'MUG', location: 'SHUT', onHand: 5, reserved: 0, committed: 0, safetyStock: 0, available: 0 };
  client.setQueryData(levels, { items: [{ ...level, lastMovementAt: null }] });
  const data = { ...level, onHand: 6, seq: 1, at: '2026-11-20T10:00:00.000Z' };
  queries.take({ type: 'stock.changed', subject: 'MUG', time: data.at, data });
  expect(client.getQueryData(levels)).toMatchObject({ items: [{ onHand: 6, available: 0 }] });
});
