import { expect, test } from 'vitest';
import { ANONYMOUS } from '../../platform/auth/index.ts';
import { MemoryStore } from '../../platform/limiter/index.ts';
import { dryRun } from './dry.run.ts';
import { Limits } from './limits.ts';
import type { NewRateLimitBody } from './rate-limit.schema.ts';
import { TrafficRecorder } from './traffic.recorder.ts';

const START_MS = 1_795_000_000_000;

function recording() {
  const time = { ms: START_MS };
  const clock = { now: () => time.ms, monotonic: () => time.ms };
  const memory = new MemoryStore({ clock });
  const limits = new Limits({ database: null as never, store: memory, memory, isShared: false, clock });
  const { callers, traffic } = limits;
  let routes = 0;
  const route = (url: string): number => {
    limits.forRoute({ method: 'GET', url, isBulk: false });
    return (routes += 1) - 1;
  };
  const note = (number: number, actor: string | null, ip: string | null, requests = 1, atMs = START_MS): void => {
    const identity = callers.identityOf({ actor: actor ?? '', owner: '', scopes: new Set() });
    const peer = callers.peerOf(ip ?? '');
    // Number 0: of so many callers, or addresses, that this one has no name.
    const unnamed = { ...identity, number: 0 };
    traffic.note(
      number,
      actor === null ? unnamed : identity,
      ip === null ? { ...peer, number: 0 } : peer,
      requests,
      atMs,
    );
  };
  const tried = (rule: Partial<NewRateLimitBody>) =>
    dryRun(limits, { name: 'try', algorithm: 'fixed_window', limit: 5, windowMs: 3_600_000, subject: 'ip', ...rule });
  return { limits, time, route, note, tried };
}

test('what one caller asked of several routes is played in the order of time', () => {
  let ms = START_MS;
  const clock = { now: () => ms, monotonic: () => ms };
  const memory = new MemoryStore({ clock });
  const limits = new Limits({ database: null as never, store: memory, memory, isShared: false, clock });
  const [identity, peer] = [
    limits.callers.identityOf({ actor: 'key:shop', owner: 'key:shop', scopes: new Set() }),
    limits.callers.peerOf('203.0.113.7'),
  ];
  for (const [number, url] of ['/api/v1/products', '/api/v1/locations'].entries()) {
    limits.forRoute({ method: 'GET', url, isBulk: false });
    limits.traffic.note(number, identity, peer, 50, ms);
  }
  ms += 10_000;
  // Each route is asked five times a second, and both together as often as the rule grants.
  const rule = { name: 'try', limit: 10, windowMs: 1_000, subject: 'api_key' };
  for (const algorithm of ['token_bucket', 'sliding_window', 'fixed_window'] as const) {
    expect(dryRun(limits, { ...rule, algorithm })).toMatchObject({ matched: 100, allowed: 100, refused: 0 });
    expect(dryRun(limits, { ...rule, algorithm, limit: 5 }).refused).toBeGreaterThanOrEqual(45);
  }
});

test('what comes after the clock was set back is not all of one moment', () => {
  const { callers, traffic } = new Limits({
    database: null as never,
    store: new MemoryStore(),
    memory: new MemoryStore(),
    isShared: false,
  });
  const [identity, peer] = [callers.identityOf(ANONYMOUS), callers.peerOf('203.0.113.7')];
  traffic.note(0, identity, peer, 1, START_MS);
  const backMs = START_MS - 7_200_000;
  for (const afterMs of [0, 10_000, 20_000]) traffic.note(0, identity, peer, 5, backMs + afterMs);
  const steps = traffic.recent(backMs + 30_000).map(({ atMs, records }) => [atMs - backMs, records[0]?.requests]);
  expect(steps).toEqual([
    [7_200_000, 1],
    [0, 5],
    [10_000, 5],
    [20_000, 5],
  ]);
});

test('who is counted is told apart as it is live, and where nobody can tell it is said', () => {
  const { route, note, tried } = recording();
  const products = route('/api/v1/products');
  note(products, 'key:shop', '203.0.113.7', 1);
  note(products, 'user:ada', '::1', 2);
  note(products, 'anonymous', '127.0.0.1', 4);
  note(products, null, '203.0.113.7', 8);
  note(products, 'key:shop', null, 16);
  note(products, 'user:ada', '::1', 3, START_MS + 10_000);
  const seen = (rule: Partial<NewRateLimitBody>) => {
    const { requests, matched, unknown, subjects } = tried({ limit: 100, ...rule });
    expect(requests).toBe(34);
    return [matched, unknown, subjects.map(({ subject }) => subject)];
  };
  expect(seen({ subject: 'global' })).toEqual([34, 0, ['*']]);
  expect(seen({ subject: 'ip' })).toEqual([18, 16, ['203.0.113.7', '::/64', '127.0.0.1']]);
  expect(seen({ subject: 'api_key' })).toEqual([17, 8, ['shop']]);
  expect(seen({ subject: 'user' })).toEqual([5, 8, ['ada']]);
  expect(seen({ subject: 'global', match: { callers: 'anonymous' } })).toEqual([4, 8, ['*']]);
  expect(seen({ subject: 'global', match: { callers: 'authenticated' } })).toEqual([22, 8, ['*']]);
  expect(seen({ subject: 'global', match: { from: 'loopback' } })).toEqual([9, 16, ['*']]);
  expect(seen({ subject: 'global', match: { from: 'elsewhere' } })).toEqual([9, 16, ['*']]);
});

test('costs are paid, and what takes the path to know is said to be unknown', () => {
  const { route, note, tried } = recording();
  note(route('/api/v1/products'), 'key:shop', '203.0.113.7', 6);
  note(route('/api/v1/products/:sku'), 'key:shop', '203.0.113.7', 3);
  // Of so many routes that this one is not kept.
  note(256, 'key:shop', '203.0.113.7', 5);
  const costs = [{ path: '/api/v1/products/MUG', cost: 9 }, { cost: 2 }];
  // Five units pay for two requests of two.
  expect(tried({ costs })).toMatchObject({ requests: 14, matched: 6, allowed: 2, refused: 4, unknown: 8 });
  expect(tried({ match: { path: '/api/v1/products/M*' } })).toMatchObject({ matched: 0, unknown: 8 });
});

test('the most refused come first, twenty of them, and minutes in their order', () => {
  const { route, note, tried, limits } = recording();
  const products = route('/api/v1/products');
  const minuteMs = START_MS - (START_MS % 60_000);
  for (let number = 1; number <= 22; number += 1) {
    note(products, 'key:shop', `10.0.0.${number}`, number, minuteMs + 119_999);
  }
  // The clock was set back.
  note(products, 'key:shop', '10.0.0.1', 1, minuteMs);
  const { subjects, overTime } = tried({ subject: 'ip' });
  expect(subjects.map(({ subject }) => Number(subject.slice(7)))).toEqual([
    ...Array.from({ length: 18 }, (_unused, index) => 22 - index),
    4,
    3,
  ]);
  expect(overTime.map(({ at, allowed }) => [Date.parse(at) - minuteMs, allowed])).toEqual([
    [0, 1],
    [60_000, 100],
  ]);
  limits.use({ revision: 1, rules: [], tiers: [{ tier: 'gold', subjects: ['10.0.0.9'] }], successors: [] });
  expect(tried({ tier: 'gold' }).subjects).toEqual([{ subject: '10.0.0.9', allowed: 5, refused: 4 }]);
});

test('what is remembered of an hour is bounded: steps, and of each the records, by callers and routes', () => {
  const traffic = new TrafficRecorder();
  const note = (route: number, peer: number, atMs: number): void =>
    traffic.note(route, { number: 2_047 } as never, { number: peer } as never, 2, atMs);
  for (let peer = 0; peer < 1_001; peer += 1) note(0, peer + 3_000, START_MS + 9_999);
  note(0, 3_000, START_MS);
  const [step] = traffic.recent(START_MS);
  expect([step?.atMs, step?.records.length, step?.dropped]).toEqual([START_MS, 1_000, 2]);
  expect(step?.records[0]).toEqual({ route: 0, identity: 2_047, peer: 3_000, requests: 4 });
  note(255, 1, START_MS + 10_000);
  note(256, 1, START_MS + 10_000);
  expect(traffic.recent(START_MS).at(-1)).toMatchObject({ records: [{ route: 255, requests: 2 }], dropped: 2 });
  // An hour later it is forgotten; and of a clock that goes back again and again, what came first.
  expect(traffic.recent(START_MS + 3_600_000)).toHaveLength(1);
  for (let back = 1; back <= 400; back += 1) note(0, 1, START_MS - back * 10_000);
  const steps = traffic.recent(START_MS - 4_000_000);
  expect([steps.length, steps[0]?.atMs]).toEqual([360, START_MS - 41 * 10_000]);
});
