import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from './api.client.ts';
import { stopDatabaseBelow } from './database.process.ts';
import { describeMachine } from './machine.ts';
import { type Bench, measureKeyed, measureOpen, OTHERS_SHARE_MAX } from './measure.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { isMet, median, renderRows, renderTargets, type Row, rowOf, targetsOf } from './report.ts';
import { startRig } from './rig.ts';
import { SCENARIOS } from './scenarios.ts';
import { seedLocations, seedProducts } from './seed.ts';
import { measureStartMs } from './start.measure.ts';
import type { StockSize } from './traffic.ts';

const RESULTS = fileURLToPath(new URL('results/latest.json', import.meta.url));
const FULL_STOCK: StockSize = { products: 10_000, locations: 10 };
const QUICK_STOCK: StockSize = { products: 1_000, locations: 10 };

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
  const clean = async (): Promise<void> => {
    await stopDatabaseBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void clean().finally(() => process.exit(1)));
  }
  try {
    return await bench(options, directory);
  } finally {
    await clean();
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
    const api = new ApiClient(rig.appPort);
    await seedLocations(api, stock.locations);
    const usualStock = { ...stock, firstProduct: stock.products };
    if (options.only.has('b')) await seedProducts(api, usualStock);
    const seed = await seedProducts(api, stock);
    say(
      `seeded ${seed.levels} levels at ${Math.round(seed.levelsPerSecond)}/s, products at ${Math.round(seed.productsPerSecond)}/s`,
    );
    const { patienceMs } = options;
    const current: Bench = { options, stock, usualStock, rig, rounds: new Map(), runNumber: 0, patienceMs };
    await measureOpen(current);
    await measureKeyed(current);
    const { rssMb, peakRssMb } = await rig.usage();
    const rows = rowsOf(current);
    const targets = targetsOf(rows, { startMs, rssMb });
    console.log(`\n${renderRows(rows)}\n\n${renderTargets(targets)}`);
    warnOfOthers(rows);
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

function warnOfOthers(rows: readonly Row[]): void {
  const disturbed = rows.filter((row) => (row.othersShare ?? 0) > OTHERS_SHARE_MAX).map((row) => row.name);
  if (disturbed.length === 0) return;
  say(`\nOther processes took more than ${OTHERS_SHARE_MAX * 100}% of the machine during ${disturbed.join(', ')}:`);
  say('neither these numbers nor their ratios are those of a quiet machine. See --patience.');
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
