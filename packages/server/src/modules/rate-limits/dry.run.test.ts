import { expect, test } from 'vitest';
import { ANONYMOUS } from '../../platform/auth/index.ts';
import { MemoryStore } from '../../platform/limiter/index.ts';
import { dryRun } from './dry.run.ts';
import { Limits } from './limits.ts';

const START_MS = 1_795_000_000_000;

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
