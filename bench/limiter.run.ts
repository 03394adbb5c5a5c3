import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChild, type Child } from './child.ts';
import { measureReserve, type RouteWindow } from './limiter.reserve.ts';
import { median } from './report.ts';

const HELP = `Usage: node --conditions=holdfast-source bench/limiter.run.ts [options]

Measures the rate limiter beside rate-limiter-flexible and @fastify/rate-limit, in one run on one machine.

  --rounds <n>    how often each is measured; the median counts (5)
  --seconds <n>   how long each is measured in a round (1)
  --only <list>   of memory, bytes, redis, http, reserve
  --help          this text
`;

const PARTS = ['memory', 'bytes', 'redis', 'http', 'reserve'];
const KINDS = ['bucket', 'fixed', 'twoBuckets', 'log'];
/** Of Node, as `npm start` gives them. */
const START_FLAGS = ['--max-semi-space-size=16'];
const PEER = 'rate-limiter-flexible';

interface Options {
  rounds: number;
  ms: number;
  only: readonly string[];
}

async function main(options: Options): Promise<void> {
  if (options.only.includes('memory')) await measureMemory(options);
  if (options.only.includes('bytes')) await measureBytes();
  if (options.only.includes('redis')) await measureRedis(options);
  if (options.only.includes('http')) await measureHttp(options);
  if (options.only.includes('reserve')) await measureReal(options);
}

async function measureMemory({ rounds }: Options): Promise<void> {
  say('\nChecks in memory, over 100,000 subjects, per second of processor time');
  const rates = await compare([...KINDS, PEER], rounds, (what) => askOnce<number>({ of: 'memory', what, ms: 0 }));
  for (const [what, rate] of rates) say(`  ${what.padEnd(24)} ${millions(rate)} M/s`);
}

async function measureBytes(): Promise<void> {
  say('\nMemory for 1,000,000 subjects (UUIDs), by the resident set');
  for (const what of [...KINDS, PEER]) {
    const { addedMb, processMb } = await askOnce<Footprint>({ of: 'bytes', what, ms: 0 });
    say(`  ${what.padEnd(24)} ${Math.round(addedMb)} MB (the process: ${Math.round(processMb)} MB)`);
  }
}

interface Footprint {
  addedMb: number;
  processMb: number;
}

interface RedisRate {
  perSecond: number;
  clientMicros: number;
  redisMicros: number;
}

async function measureRedis({ rounds, ms }: Options): Promise<void> {
  if (spawnSync('redis-server', ['--version']).status !== 0)
    return say('\nRedis: skipped, there is no redis-server here');
  const redis = await startRedis();
  try {
    say('\nRedis: round trips per second, 256 under way at a time, one client');
    const kinds = ['INCR', 'INCR auto-pipelined', ...KINDS, PEER, `${PEER} auto-pipelined`];
    const env = { BENCH_REDIS_PORT: String(redis.port) };
    const all = new Map<string, RedisRate[]>(kinds.map((what) => [what, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const what of round % 2 === 0 ? kinds : kinds.toReversed()) {
        all.get(what)?.push(await askOnce<RedisRate>({ of: 'redis', what, ms }, env));
      }
    }
    const medianOf = (what: string, member: keyof RedisRate): number =>
      median((all.get(what) ?? []).map((rate) => rate[member]));
    for (const what of kinds) {
      const ratio = median(
        (all.get(what) ?? []).map((rate, round) => rate.perSecond / (all.get('INCR')?.[round]?.perSecond ?? 1)),
      );
      const [client, redisTime] = [medianOf(what, 'clientMicros'), medianOf(what, 'redisMicros')];
      const busier =
        Math.max(medianOf('INCR', 'clientMicros'), medianOf('INCR', 'redisMicros')) / Math.max(client, redisTime);
      say(
        `  ${what.padEnd(38)} ${Math.round(medianOf(what, 'perSecond') / 1_000)} k/s, ${ratio.toFixed(2)} of plain INCR; processor: client ${client.toFixed(1)} µs, Redis ${redisTime.toFixed(1)} µs, ${busier.toFixed(2)} by the busier`,
      );
    }
  } finally {
    redis.stop();
  }
}

const WINDOW_MS = 150;
const WINDOWS_A_ROUND = 12;

interface HttpWindow {
  perSecond: number;
  cpuMicros: number;
}

/** In short windows that take turns: their ratios hold on a busy machine as well. */
async function measureHttp({ rounds }: Options): Promise<void> {
  say('\nHTTP: a route that does nothing, 64 connections');
  const load = startChild('limiter.load.process.ts');
  for (const server of ['holdfast', 'fastify']) {
    const child = startChild('limiter.server.process.ts', { BENCH_LIMITER: server }, START_FLAGS);
    const windows = await takeTurns(child, load, rounds * WINDOWS_A_ROUND);
    await child.stop();
    const [base = []] = windows.values();
    for (const [kind, measured] of windows) {
      const ratio = (of: keyof HttpWindow): number =>
        median(measured.map((window, index) => window[of] / (base[index]?.[of] ?? 1)));
      const rate = Math.round(median(measured.map(({ perSecond }) => perSecond)));
      const cost = median(measured.map(({ cpuMicros }) => cpuMicros)).toFixed(1);
      say(
        `  ${nameOf(server, kind).padEnd(38)} ${rate}/s (${percent(ratio('perSecond'))}), ${cost} µs of processor a request (${percent(ratio('cpuMicros'))})`,
      );
    }
  }
  await load.stop();
}

async function takeTurns(server: Child, load: Child, turns: number): Promise<Map<string, HttpWindow[]>> {
  const usage = async (): Promise<{ ports: Record<string, number>; cpuMicros: number }> =>
    (await server.ask({})) as { ports: Record<string, number>; cpuMicros: number };
  const { ports } = await usage();
  const kinds = Object.keys(ports);
  const windows = new Map<string, HttpWindow[]>(kinds.map((kind) => [kind, []]));
  for (let turn = -WINDOWS_A_ROUND; turn < turns; turn += 1) {
    for (const kind of inTurn(kinds, turn)) {
      const before = await usage();
      const order = { port: ports[kind], connections: 64, measureMs: WINDOW_MS };
      const { requests, ms } = (await load.ask(order)) as { requests: number; ms: number };
      const cpuMicros = ((await usage()).cpuMicros - before.cpuMicros) / requests;
      // The first ones warm it up.
      if (turn >= 0) windows.get(kind)?.push({ perSecond: (requests / ms) * 1_000, cpuMicros });
    }
  }
  return windows;
}

async function measureReal({ rounds }: Options): Promise<void> {
  say('\nHTTP: routes of the real server over its database, 64 connections, with the rules of a fresh installation');
  for (const { route, windows, ratio } of await measureReserve(rounds, START_FLAGS)) {
    const { bare, limited, timed } = windows;
    const change = `${percent(ratio.perSecond)} throughput, ${percent(ratio.cpuMicros)} processor`;
    const share = ((timed.insideMicros / timed.cpuMicros) * 100).toFixed(1);
    say(`  ${route}`);
    say(`    without limits: ${shown(bare)}`);
    say(`    with limits:    ${shown(limited)} (${change})`);
    say(`    in the limiter: ${timed.insideMicros.toFixed(2)} µs, ${share} % of a request's`);
  }
}

function shown({ perSecond, cpuMicros, databaseMicros }: RouteWindow): string {
  const database = databaseMicros === 0 ? '' : `, ${databaseMicros.toFixed(1)} µs of the database's`;
  return `${Math.round(perSecond)}/s, ${cpuMicros.toFixed(1)} µs of processor a request${database}`;
}

/** Who comes first is another one each time: who comes after a pause finds cold caches. */
function inTurn(kinds: readonly string[], turn: number): string[] {
  const first = (turn + WINDOWS_A_ROUND) % kinds.length;
  return [...kinds.slice(first), ...kinds.slice(0, first)];
}

function nameOf(server: string, rules: string): string {
  if (server === 'fastify') return rules === '0' ? 'bare Fastify' : 'bare Fastify with @fastify/rate-limit';
  return rules === '0' ? 'Holdfast without a limit' : `Holdfast with ${rules} rule${rules === '1' ? '' : 's'}`;
}

/** Each in turn, so that what the machine does meanwhile meets all of them. */
async function compare(
  kinds: readonly string[],
  rounds: number,
  measure: (kind: string) => Promise<number>,
): Promise<Map<string, number>> {
  const all = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) all.get(kind)?.push(await measure(kind));
  }
  return new Map([...all].map(([kind, values]) => [kind, median(values)]));
}

async function askOnce<Value>(question: object, env: Record<string, string> = {}): Promise<Value> {
  const child = startChild('limiter.process.ts', env, ['--expose-gc', ...START_FLAGS]);
  try {
    return (await child.ask(question)) as Value;
  } finally {
    await child.stop();
  }
}

async function startRedis(): Promise<{ port: number; stop: () => void }> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-limiter-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'];
  const child: ChildProcess = spawn('redis-server', args, { stdio: 'ignore' });
  await delay(500);
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', stop);
  return { port, stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function millions(rate: number): string {
  return (rate / 1e6).toFixed(2);
}

function percent(ratio: number): string {
  const change = (ratio - 1) * 100;
  return `${change >= 0 ? '+' : ''}${change.toFixed(1)} %`;
}

function say(line: string): void {
  console.log(line);
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string', default: PARTS.join(',') },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) say(HELP);
else await main({ rounds: Number(values.rounds), ms: Number(values.seconds) * 1_000, only: values.only.split(',') });
