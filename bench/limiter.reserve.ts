import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api.client.ts';
import { startChild } from './child.ts';
import { databaseCpuMs, stopDatabaseBelow } from './database.process.ts';
import type { LoadOrder } from './load.ts';
import { median } from './report.ts';
import { seedStock } from './seed.ts';
import type { TrafficOrder } from './traffic.ts';

const STOCK = { products: 1_000, locations: 10 };
const CONNECTIONS = 64;
const WINDOW_MS = 400;
const TURNS_A_ROUND = 12;
const WARM_UP_TURNS = 6;
/** What looking takes, on a machine that has other work. */
const SLACK_MS = 60;

const ROUTES: Readonly<Record<string, Pick<TrafficOrder, 'kind' | 'path' | 'expectedStatus' | 'spread'>>> = {
  'POST /reservations': { kind: 'reserve', path: '/api/v1/reservations', expectedStatus: 201, spread: 'spread' },
  'GET /inventory/{sku}/locations/{code}': { kind: 'read', path: '', expectedStatus: 200, spread: 'spread' },
};

const MODES = ['bare', 'limited', 'timed'] as const;
type Mode = (typeof MODES)[number];

/** Of a request: how many there were in a second, and what each cost. */
export interface RouteWindow {
  perSecond: number;
  cpuMicros: number;
  databaseMicros: number;
  /** Where it was timed: from the call of the limiter to its return, the clock's own time among it. */
  insideMicros: number;
}

export interface RouteCost {
  route: string;
  /** Without limits, with those of a fresh installation, and with these while the limiter is timed. */
  windows: Record<Mode, RouteWindow>;
  /** Limited to bare: the medians of the ratios of windows that followed on each other. */
  ratio: { perSecond: number; cpuMicros: number };
}

/**
 * What limits cost two routes of the real server, over its real database: while the same connections ask all the time,
 * windows with and without limits take turns.
 */
export async function measureReserve(rounds: number, flags: readonly string[]): Promise<RouteCost[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-limiter-'));
  chmodSync(directory, 0o755);
  const data = join(directory, 'data');
  const server = startChild('limiter.reserve.process.ts', { BENCH_DATA: data }, flags);
  const load = startChild('load.process.ts');
  const look = async (mode: Mode): Promise<Look> => {
    const seen = (await server.ask({ mode })) as Omit<Look, 'atMs' | 'databaseMs'>;
    return { ...seen, atMs: performance.now(), databaseMs: databaseCpuMs(data) ?? 0 };
  };
  try {
    const { port } = await look('limited');
    await seedStock(new ApiClient(port), STOCK);
    const costs: RouteCost[] = [];
    for (const route of Object.keys(ROUTES)) {
      costs.push(await compare(route, rounds * TURNS_A_ROUND, look, (ms) => load.ask(orderOf(route, port, ms))));
    }
    return costs;
  } finally {
    await Promise.all([server.stop(), load.stop()]);
    await stopDatabaseBelow(data);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the server has done until then. */
interface Look {
  port: number;
  requests: number;
  insideMs: number;
  cpuMs: number;
  databaseMs: number;
  atMs: number;
}

function orderOf(route: string, port: number, measureMs: number): LoadOrder {
  const traffic = ROUTES[route];
  if (traffic === undefined) throw new Error(`there is no ${route}`);
  const common = { port, connections: CONNECTIONS, stock: STOCK, warmUpMs: 0, measureMs, runNumber: 1 };
  return { ...traffic, ...common, apiKey: undefined, isIdempotent: false };
}

async function compare(
  route: string,
  turns: number,
  look: (mode: Mode) => Promise<Look>,
  drive: (ms: number) => Promise<unknown>,
): Promise<RouteCost> {
  const loading = drive((turns + WARM_UP_TURNS) * MODES.length * (WINDOW_MS + SLACK_MS));
  const all: Record<Mode, RouteWindow[]> = { bare: [], limited: [], timed: [] };
  for (let turn = -WARM_UP_TURNS; turn < turns; turn += 1) {
    for (const mode of turn % 2 === 0 ? MODES : MODES.toReversed()) {
      const before = await look(mode);
      await delay(WINDOW_MS);
      const window = between(before, await look(mode));
      if (turn >= 0) all[mode].push(window);
    }
  }
  await loading;
  const ratio = (of: keyof RouteWindow): number =>
    median(all.limited.map((window, turn) => window[of] / (all.bare[turn]?.[of] ?? 1)));
  return {
    route,
    windows: { bare: medianOf(all.bare), limited: medianOf(all.limited), timed: medianOf(all.timed) },
    ratio: { perSecond: ratio('perSecond'), cpuMicros: ratio('cpuMicros') },
  };
}

function between(before: Look, after: Look): RouteWindow {
  const requests = after.requests - before.requests;
  return {
    perSecond: (requests * 1_000) / (after.atMs - before.atMs),
    cpuMicros: ((after.cpuMs - before.cpuMs) * 1_000) / requests,
    databaseMicros: ((after.databaseMs - before.databaseMs) * 1_000) / requests,
    insideMicros: ((after.insideMs - before.insideMs) * 1_000) / requests,
  };
}

function medianOf(windows: readonly RouteWindow[]): RouteWindow {
  const of = (member: keyof RouteWindow): number => median(windows.map((window) => window[member]));
  return {
    perSecond: of('perSecond'),
    cpuMicros: of('cpuMicros'),
    databaseMicros: of('databaseMicros'),
    insideMicros: of('insideMicros'),
  };
}
