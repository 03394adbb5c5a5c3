import { ApiClient } from './api.client.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Options } from './options.ts';
import type { Measurement } from './report.ts';
import { othersShare, type Rig } from './rig.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';
import { codeOf, skuOf, type StockSize } from './traffic.ts';

/** Of all processors: more than this, taken by others, is not a measurement of Holdfast alone. */
export const OTHERS_SHARE_MAX = 0.1;
const GLANCE_MS = 300;

/** What the rounds share: the processes, the stock, and a number for each run, so that no key is used twice. */
export interface Bench {
  options: Options;
  stock: StockSize;
  /** What the usual way reserves: of two ways to write the same levels, each would find the other's changes in them. */
  usualStock: StockSize;
  rig: Rig;
  rounds: Map<string, Measurement[]>;
  runNumber: number;
  /** What is left of `--patience`. */
  patienceMs: number;
}

export async function measureOpen(current: Bench): Promise<void> {
  const scenarios = SCENARIOS.filter(({ letter, isKeyed }) => !isKeyed && current.options.only.has(letter));
  await measureRounds(current, scenarios, undefined);
}

/** With its first key the server is no longer open, so these come last. */
export async function measureKeyed(current: Bench): Promise<void> {
  const scenarios = SCENARIOS.filter(({ letter, isKeyed }) => isKeyed && current.options.only.has(letter));
  if (scenarios.length === 0) return;
  const body = { name: 'bench', scopes: ['admin'] };
  const { key } = await new ApiClient(current.rig.appPort).post<{ key: string }>('/api-keys', body);
  await measureRounds(current, scenarios, key);
}

/** Every other round goes backwards, so that no scenario always has the same one before it. */
async function measureRounds(
  current: Bench,
  scenarios: readonly Scenario[],
  apiKey: string | undefined,
): Promise<void> {
  for (let round = 0; round < current.options.rounds; round += 1) {
    const order = round % 2 === 0 ? scenarios : scenarios.toReversed();
    for (const scenario of order) {
      const measured = await measurePatiently(current, scenario, apiKey);
      current.rounds.set(scenario.name, [...(current.rounds.get(scenario.name) ?? []), measured]);
      const { operationsPerSecond, latency } = measured.load;
      say(
        `round ${round + 1}  ${scenario.title}: ${Math.round(operationsPerSecond)}/s, p99 ${latency.p99Ms.toFixed(1)} ms`,
      );
    }
  }
}

/**
 * While there is patience: begins in a quiet moment, and measures again where other processes took so much of the
 * machine that it shows.
 */
async function measurePatiently(current: Bench, scenario: Scenario, apiKey: string | undefined): Promise<Measurement> {
  for (;;) {
    await waitForQuiet(current);
    const startedAt = performance.now();
    const measured = await measureOnce(current, scenario, apiKey);
    if ((measured.othersShare ?? 0) <= OTHERS_SHARE_MAX || current.patienceMs <= 0) return measured;
    current.patienceMs -= performance.now() - startedAt;
  }
}

async function waitForQuiet(current: Bench): Promise<void> {
  while (current.patienceMs > 0) {
    const startedAt = performance.now();
    const before = await current.rig.usage();
    await delay(GLANCE_MS);
    const share = othersShare(before, await current.rig.usage());
    if (share === undefined || share <= OTHERS_SHARE_MAX) return;
    current.patienceMs -= performance.now() - startedAt;
  }
}

async function measureOnce(current: Bench, scenario: Scenario, apiKey: string | undefined): Promise<Measurement> {
  const { options, rig } = current;
  const stock = scenario.letter === 'b' ? current.usualStock : current.stock;
  await rig.settle();
  const api = new ApiClient(rig.appPort, apiKey);
  const reservedBefore = await hotReserved(api, stock);
  const before = await rig.usage();
  current.runNumber += 1;
  const load = await rig.runLoad({
    ...scenario.traffic,
    port: scenario.server === 'app' ? rig.appPort : rig.barePort,
    connections: options.connections,
    warmUpMs: options.warmUpMs,
    measureMs: options.measureMs,
    stock,
    apiKey,
    isIdempotent: scenario.isKeyed,
    runNumber: current.runNumber,
  });
  const after = await rig.usage();
  if (scenario.traffic.spread === 'hot') {
    const held = (await hotReserved(api, stock)) - reservedBefore;
    if (held !== load.operationsInAll) {
      throw new Error(`${scenario.title}: ${load.operationsInAll} reserves were answered and ${held} units are held`);
    }
  }
  const perOperationUs = (ms: number): number => (ms * 1000) / load.operationsInAll;
  const isBare = scenario.server === 'bare';
  const databaseMs = isBare ? undefined : difference(after.databaseCpuMs, before.databaseCpuMs);
  return {
    load,
    othersShare: othersShare(before, after),
    serverCpuUs: isBare ? undefined : perOperationUs(after.cpuMs - before.cpuMs),
    databaseCpuUs: databaseMs === undefined ? undefined : perOperationUs(databaseMs),
  };
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

async function hotReserved(api: ApiClient, { firstProduct = 0 }: StockSize): Promise<number> {
  const level = await api.get<{ reserved: number }>(
    `/inventory/${skuOf(firstProduct)}/locations/${codeOf(0)}?fresh=true`,
  );
  return level.reserved;
}

function say(line: string): void {
  console.error(line);
}
