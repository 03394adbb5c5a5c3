import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from './api.client.ts';
import { describeMachine } from './machine.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { isMet, type Measurement, median, renderRows, renderTargets, type Row, rowOf, targetsOf } from './report.ts';
import { type Rig, startRig } from './rig.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';
import { seedStock } from './seed.ts';
import { measureStartMs } from './start.measure.ts';
import { codeOf, skuOf, type StockSize } from './traffic.ts';

const RESULTS = fileURLToPath(new URL('results/latest.json', import.meta.url));
const FULL_STOCK: StockSize = { products: 10_000, locations: 10 };
const QUICK_STOCK: StockSize = { products: 1_000, locations: 10 };

/** What the rounds share: the processes, the stock, and a number for each run, so that no key is used twice. */
interface Bench {
  options: Options;
  stock: StockSize;
  rig: Rig;
  rounds: Map<string, Measurement[]>;
  runNumber: number;
}

async function main(args: string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  // The database may run as another user, who must be able to pass through.
  const directory = mkdtempSync(join(options.dataRoot ?? tmpdir(), 'holdfast-bench-'));
  chmodSync(directory, 0o755);
  try {
    return await bench(options, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function bench(options: Options, directory: string): Promise<number> {
  const startedAt = performance.now();
  const machine = describeMachine(directory);
  say(`${machine.processors} × ${machine.processor}, Node ${machine.node}, fsync ${machine.fsyncMs.toFixed(2)} ms`);
  if (machine.isMemoryDisk) say('The data directory is in memory: these are not the numbers of a disk. See --data.');
  const startMs = options.only.has('start') ? await measureStarts(options, directory) : undefined;
  const stock = options.isQuick ? QUICK_STOCK : FULL_STOCK;
  const rig = await startRig(join(directory, 'data'));
  try {
    const seed = await seedStock(new ApiClient(rig.appPort), stock);
    say(
      `seeded ${seed.levels} levels at ${Math.round(seed.levelsPerSecond)}/s, products at ${Math.round(seed.productsPerSecond)}/s`,
    );
    const current: Bench = { options, stock, rig, rounds: new Map(), runNumber: 0 };
    await measureOpen(current);
    await measureKeyed(current);
    const { rssMb, peakRssMb } = await rig.usage();
    const rows = rowsOf(current);
    const targets = targetsOf(rows, { startMs, rssMb });
    console.log(`\n${renderRows(rows)}\n\n${renderTargets(targets)}`);
    const seconds = (performance.now() - startedAt) / 1000;
    const results = {
      at: new Date().toISOString(),
      seconds,
      options: { ...options, only: [...options.only] },
      machine,
      seed,
    };
    const file = options.jsonFile ?? RESULTS;
    mkdirSync(dirname(file), { recursive: true });
    const verdicts = targets.map((target) => ({ ...target, isMet: isMet(target) ?? null }));
    const all = {
      ...results,
      startMs,
      rssMb,
      peakRssMb,
      rows,
      targets: verdicts,
      rounds: Object.fromEntries(current.rounds),
    };
    writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
    say(`${Math.round(seconds)} s in all; written to ${file}`);
    return options.isStrict && targets.some((target) => isMet(target) === false) ? 1 : 0;
  } finally {
    await rig.stop();
  }
}

async function measureStarts(options: Options, directory: string): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < options.rounds; start += 1) {
    times.push(await measureStartMs(join(directory, `start-${start}`)));
  }
  say(`npm start to ready on fresh data: ${times.map((ms) => `${(ms / 1000).toFixed(2)} s`).join(', ')}`);
  return median(times);
}

async function measureOpen(current: Bench): Promise<void> {
  const scenarios = SCENARIOS.filter(({ letter, isKeyed }) => !isKeyed && current.options.only.has(letter));
  await measureRounds(current, scenarios, undefined);
}

/** With its first key the server is no longer open, so these come last. */
async function measureKeyed(current: Bench): Promise<void> {
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
      const measured = await measureOnce(current, scenario, apiKey);
      current.rounds.set(scenario.name, [...(current.rounds.get(scenario.name) ?? []), measured]);
      const { operationsPerSecond, latency } = measured.load;
      say(
        `round ${round + 1}  ${scenario.title}: ${Math.round(operationsPerSecond)}/s, p99 ${latency.p99Ms.toFixed(1)} ms`,
      );
    }
  }
}

async function measureOnce(current: Bench, scenario: Scenario, apiKey: string | undefined): Promise<Measurement> {
  const { options, rig, stock } = current;
  await rig.settle();
  const api = new ApiClient(rig.appPort, apiKey);
  const reservedBefore = await hotReserved(api);
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
    const held = (await hotReserved(api)) - reservedBefore;
    if (held !== load.operationsInAll) {
      throw new Error(`${scenario.title}: ${load.operationsInAll} reserves were answered and ${held} units are held`);
    }
  }
  const perOperationUs = (ms: number): number => (ms * 1000) / load.operationsInAll;
  const isBare = scenario.server === 'bare';
  const databaseMs = isBare ? undefined : difference(after.databaseCpuMs, before.databaseCpuMs);
  return {
    load,
    serverCpuUs: isBare ? undefined : perOperationUs(after.cpuMs - before.cpuMs),
    databaseCpuUs: databaseMs === undefined ? undefined : perOperationUs(databaseMs),
  };
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

async function hotReserved(api: ApiClient): Promise<number> {
  const level = await api.get<{ reserved: number }>(`/inventory/${skuOf(0)}/locations/${codeOf(0)}`);
  return level.reserved;
}

function rowsOf({ rounds }: Bench): Row[] {
  return SCENARIOS.flatMap((scenario) => {
    const measured = rounds.get(scenario.name);
    return measured === undefined ? [] : [rowOf(scenario, measured)];
  });
}

function say(line: string): void {
  console.error(line);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`The benchmark is not valid: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
