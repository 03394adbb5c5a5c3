// node --conditions=holdfast-source bench/numbering.ts: what the event stream costs a reserve, in one run.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ApiClient } from './api.client.ts';
import { stopDatabaseBelow } from './database.process.ts';
import { median } from './report.ts';
import { othersShare, startRig, type Rig } from './rig.ts';
import { seedStock } from './seed.ts';
import type { Spread, StockSize } from './traffic.ts';

const STOCK: StockSize = { products: 1_000, locations: 10 };
const CONNECTIONS = 64;
const SPREADS: readonly Spread[] = ['spread', 'hot'];

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });

/** A server with the event stream or without it, and what it did. */
interface Subject {
  name: string;
  env: Record<string, string>;
  /** Readers of the whole stream. */
  readers: number;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'no event stream', env: { BENCH_EVENTS: 'off' }, readers: 0 },
  { name: 'numbered', env: {}, readers: 0 },
  { name: 'numbered, and one reads all', env: {}, readers: 1 },
];

interface Measured {
  perSecond: number;
  p99Ms: number;
  serverUs: number;
  databaseUs: number;
  othersShare: number;
}

let runNumber = 0;

async function measure(rig: Rig, spread: Spread): Promise<Measured> {
  runNumber += 1;
  await rig.settle();
  const before = await rig.usage();
  const load = await rig.runLoad({
    kind: 'reserve',
    path: '/api/v1/reservations',
    expectedStatus: 201,
    spread,
    stock: STOCK,
    apiKey: undefined,
    isIdempotent: false,
    runNumber,
    port: rig.appPort,
    connections: CONNECTIONS,
    warmUpMs: 700,
    measureMs: 2_500,
  });
  // What is still numbered and read belongs to it.
  await rig.settle();
  const after = await rig.usage();
  return {
    perSecond: load.operationsPerSecond,
    p99Ms: load.latency.p99Ms,
    serverUs: ((after.cpuMs - before.cpuMs) * 1_000) / load.operationsInAll,
    databaseUs: (((after.databaseCpuMs ?? 0) - (before.databaseCpuMs ?? 0)) * 1_000) / load.operationsInAll,
    othersShare: othersShare(before, after) ?? 0,
  };
}

/** Reads everything and keeps nothing. */
async function readAll(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events/stream`);
  void answer.body?.pipeTo(new WritableStream()).catch(() => undefined);
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  chmodSync(directory, 0o755);
  const rigs: Rig[] = [];
  const measured = new Map<string, Measured[]>();
  try {
    for (const [index, { env, readers }] of SUBJECTS.entries()) {
      const rig = await startRig(join(directory, `data-${index}`), env);
      rigs.push(rig);
      await seedStock(new ApiClient(rig.appPort), STOCK);
      for (let count = 0; count < readers; count += 1) await readAll(rig.appPort);
    }
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const order = [...SUBJECTS.keys()];
      if (round % 2 === 1) order.reverse();
      for (const spread of SPREADS) {
        for (const index of order) {
          const rig = rigs[index];
          const name = `${SUBJECTS[index]?.name}, ${spread}`;
          if (rig === undefined) continue;
          measured.set(name, [...(measured.get(name) ?? []), await measure(rig, spread)]);
        }
      }
    }
    report(measured);
  } finally {
    await Promise.all(rigs.map((rig) => rig.stop()));
    await stopDatabaseBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

function report(measured: ReadonlyMap<string, Measured[]>): void {
  const of = (all: Measured[], field: keyof Measured): number => median(all.map((one) => one[field]));
  console.log(`| ${'reserves'.padEnd(36)} | per second | p99 ms | server µs | database µs | others |`);
  console.log(`| ${'-'.repeat(36)} | ---------: | -----: | --------: | ----------: | -----: |`);
  for (const [name, all] of [...measured].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const cells = [
      name.padEnd(36),
      of(all, 'perSecond').toFixed(0).padStart(10),
      of(all, 'p99Ms').toFixed(1).padStart(6),
      of(all, 'serverUs').toFixed(1).padStart(9),
      of(all, 'databaseUs').toFixed(1).padStart(11),
      `${(of(all, 'othersShare') * 100).toFixed(0)}%`.padStart(6),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

await main();
process.exit(0);
