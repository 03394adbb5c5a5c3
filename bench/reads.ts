import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ClientConfig } from 'pg';
import { openStore } from '../packages/server/src/main/installation.ts';
import { loadConfig } from '../packages/server/src/platform/config/index.ts';
import { createLogger } from '../packages/server/src/platform/log/index.ts';
import { ApiClient } from './api.client.ts';
import { stopDatabaseBelow } from './database.process.ts';
import { openConnection } from './http.client.ts';
import { median } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import { seedStock } from './seed.ts';
import { measureStaleness, type Staleness } from './staleness.ts';
import { codeOf, skuOf, type Spread, type StockSize } from './traffic.ts';

const HELP = `Usage: node --conditions=holdfast-source bench/reads.ts [--rounds <n>] [--seconds <n>]

Measures the read path: how many reads of a level a server answers beside a no-op route of the same app, and how long
after a commit was answered a read may still show what was before it, on the instance that committed and on another.
REDIS_URL, where it is set, is used by the two instances.

  --rounds <n>   how often each kind of read is measured; the median counts (3)
  --seconds <n>  how long each is measured in a round, and a third of the time that staleness is (3)
`;

const CLI = fileURLToPath(new URL('../packages/server/src/main/cli.ts', import.meta.url));
const STOCK: StockSize = { products: 1_000, locations: 10 };
const CONNECTIONS = 64;
const SPREADS: readonly Spread[] = ['hot', 'zipf', 'spread'];
const READ_SHARE_MIN = 0.8;
const SAME_P99_MS = 50;
const OTHER_P99_MS = 250;

interface Measured {
  perSecond: number[];
  serverCpuUs: number[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  // The database may run as another user, who must be able to pass through.
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-reads-'));
  chmodSync(directory, 0o755);
  const data = join(directory, 'data');
  const rig = await startRig(data);
  try {
    await seedStock(new ApiClient(rig.appPort), STOCK);
    const isFast = await measureThroughput(rig, Number(values.rounds), Number(values.seconds) * 1_000);
    const isCurrent = await measureTwoInstances(data, 3 * Number(values.seconds) * 1_000);
    return isFast && isCurrent ? 0 : 1;
  } finally {
    await rig.stop();
    await stopDatabaseBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureThroughput(rig: Rig, rounds: number, measureMs: number): Promise<boolean> {
  const noop: Measured = { perSecond: [], serverCpuUs: [] };
  const live: Measured = { perSecond: [], serverCpuUs: [] };
  const reads = new Map(SPREADS.map((spread): [Spread, Measured] => [spread, { perSecond: [], serverCpuUs: [] }]));
  for (let round = 1; round <= rounds; round += 1) {
    await measure(rig, noop, { kind: 'reserve', path: '/api/v1/bench/noop', expectedStatus: 201 }, 'spread', measureMs);
    await measureLive(rig, live, measureMs);
    for (const [spread, measured] of reads) {
      await measure(rig, measured, { kind: 'read', path: '', expectedStatus: 200 }, spread, measureMs);
    }
  }
  console.log(`no-op POST        ${show(noop, noop)}`);
  console.log(`GET /health/live  ${show(live, noop)}`);
  for (const [spread, measured] of reads) console.log(`read, ${spread.padEnd(12)}${show(measured, noop)}`);
  const share = median(reads.get('zipf')?.perSecond ?? []) / median(noop.perSecond);
  return tell(`reads (zipf) ÷ no-op: ${share.toFixed(2)}, wanted at least ${READ_SHARE_MIN}`, share >= READ_SHARE_MIN);
}

let runNumber = 0;

async function measure(
  rig: Rig,
  into: Measured,
  traffic: { kind: 'reserve' | 'read'; path: string; expectedStatus: number },
  spread: Spread,
  measureMs: number,
): Promise<void> {
  await rig.settle();
  const before = await rig.usage();
  runNumber += 1;
  const load = await rig.runLoad({
    ...traffic,
    spread,
    stock: STOCK,
    apiKey: undefined,
    isIdempotent: false,
    runNumber,
    port: rig.appPort,
    connections: CONNECTIONS,
    warmUpMs: 500,
    measureMs,
  });
  const after = await rig.usage();
  into.perSecond.push(load.operationsPerSecond);
  into.serverCpuUs.push(((after.cpuMs - before.cpuMs) * 1_000) / load.operationsInAll);
}

/** The least that a route can do: no caller to find out about, no parameters, an answer of a few bytes. */
async function measureLive(rig: Rig, into: Measured, measureMs: number): Promise<void> {
  await rig.settle();
  const before = await rig.usage();
  const bytes = Buffer.from('GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  const untilMs = performance.now() + measureMs;
  let answers = 0;
  await Promise.all(
    Array.from(
      { length: CONNECTIONS },
      () =>
        new Promise<void>((resolve, reject) => {
          const opening = openConnection(rig.appPort, next, reject);
          function next(): void {
            answers += 1;
            void opening.then((connection) => {
              if (performance.now() < untilMs) return connection.send(bytes, false);
              connection.close();
              resolve();
            });
          }
          opening.then((connection) => connection.send(bytes, false), reject);
        }),
    ),
  );
  const after = await rig.usage();
  into.perSecond.push((answers * 1_000) / measureMs);
  into.serverCpuUs.push(((after.cpuMs - before.cpuMs) * 1_000) / answers);
}

function show(measured: Measured, noop: Measured): string {
  const perSecond = median(measured.perSecond);
  const share = (perSecond / median(noop.perSecond)).toFixed(2);
  const cpuUs = median(measured.serverCpuUs);
  const cpuShare = (median(noop.serverCpuUs) / cpuUs).toFixed(2);
  return `${Math.round(perSecond).toString().padStart(7)}/s  ${share} of the no-op; ${cpuUs.toFixed(1)} µs of the server's processor each, ${cpuShare} by that`;
}

async function measureTwoInstances(data: string, measureMs: number): Promise<boolean> {
  const config = loadConfig({ HOLDFAST_DATA: data });
  const store = await openStore({ config, log: createLogger('warn'), mode: 'attach', migrates: false });
  const instances: Instance[] = [];
  try {
    for (let count = 0; count < 2; count += 1) instances.push(await serve(store.connection));
    const [one, two] = instances.map(({ address }) => address) as [string, string];
    const path = `/api/v1/inventory/${skuOf(0)}`;
    const staleness = await measureStaleness({
      writer: one,
      readers: { same: one, other: two },
      adjustPath: `${path}/adjust`,
      readPath: `${path}/locations/${codeOf(0)}`,
      location: codeOf(0),
      measureMs,
    });
    const { same, other } = staleness;
    const isSame = tell(describe('on the same instance', same, SAME_P99_MS), same.p99Ms < SAME_P99_MS);
    const isOther = tell(describe('on another instance', other, OTHER_P99_MS), other.p99Ms < OTHER_P99_MS);
    return isSame && isOther;
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
    await store.close();
  }
}

function describe(where: string, { commits, reads, hits, p50Ms, p99Ms, maxMs }: Staleness, wantedMs: number): string {
  const share = Math.round((100 * hits) / Math.max(1, reads));
  return (
    `staleness ${where}: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, at most ${maxMs.toFixed(1)} ms after ` +
    `${commits} commits, in ${reads} reads of which the cache answered ${share}%; wanted p99 below ${wantedMs} ms`
  );
}

function tell(line: string, isMet: boolean): boolean {
  console.log(`${isMet ? 'pass' : 'FAIL'}  ${line}`);
  return isMet;
}

interface Instance {
  address: string;
  stop(): Promise<void>;
}

/** A `holdfast serve` over a database that is there. */
async function serve({ host = '', port = 5432, user = '', database = '' }: ClientConfig): Promise<Instance> {
  const url = `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
  const child: ChildProcess = spawn(process.execPath, [CLI, 'serve', '--port', '0'], {
    env: { ...process.env, DATABASE_URL: url, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 2],
  });
  const gone = once(child, 'exit');
  if (child.stdout === null) throw new Error('an instance has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /https?:\S+/.exec(line)?.[0];
    if (address === undefined) continue;
    return {
      address,
      stop: async () => {
        child.kill('SIGTERM');
        await gone;
      },
    };
  }
  throw new Error('an instance ended before it served');
}

process.exitCode = await main();
