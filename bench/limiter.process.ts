import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import {
  counterOf,
  KIND,
  MemoryStore,
  newCharge,
  RedisStore,
  type Charge,
  type Kind,
} from '../packages/server/src/platform/limiter/index.ts';
import { answerParent } from './child.ts';

// The stores by themselves: each question is measured in a process of its own, so that none finds another's garbage.

const PEER = 'rate-limiter-flexible';
const HUGE = 1_000_000_000;
const SUBJECTS = 100_000;

interface Question {
  of: 'memory' | 'bytes' | 'redis';
  what: string;
  ms: number;
}

/** A UUID, as the ids of keys are. */
function subject(index: number): string {
  return `0199a1b2-7c3d-7e4f-8a5b-${String(index).padStart(12, '0')}`;
}

/** One of a thousand. */
function hot(index: number): string {
  return subject(index % 1_000);
}

function chargeOn(kind: Kind): (name: string) => Charge {
  // A log holds up to its limit: of each subject fewer charges than that fall into one window here.
  const counter = counterOf('bench', kind, kind === KIND.log ? 50 : 60_000);
  const limit = kind === KIND.log ? 100 : HUGE;
  return (name) => newCharge({ counter, subject: name, limit, burst: limit, cost: 1 });
}

/** Checks per second, over 100,000 subjects. */
async function memoryRate(what: string): Promise<number> {
  const names = Array.from({ length: SUBJECTS }, (_unused, index) => subject(index));
  if (what === PEER) {
    const limiter = new RateLimiterMemory({ points: HUGE, duration: 60 });
    return rateOf(async (index) => limiter.consume(names[index % SUBJECTS] ?? ''));
  }
  const store = new MemoryStore();
  const charge = chargeOn(KIND[what as keyof typeof KIND]);
  return rateOfSync((index) => store.take([charge(names[index % SUBJECTS] ?? '')]));
}

/** Until V8 has compiled what there is to compile; its compiler's time would count as ours. */
const WARM_UP = 1_000_000;
const MEASURED = 2_000_000;

/** By this process's own time on a processor: what else runs on the machine does not count. */
function rateOfSync(work: (index: number) => unknown): number {
  for (let index = 0; index < WARM_UP; index += 1) work(index);
  const stop = meter();
  for (let index = 0; index < MEASURED; index += 1) work(index);
  return stop(MEASURED);
}

async function rateOf(work: (index: number) => Promise<unknown>): Promise<number> {
  for (let index = 0; index < WARM_UP; index += 1) await work(index);
  const stop = meter();
  for (let index = 0; index < MEASURED; index += 1) await work(index);
  return stop(MEASURED);
}

function meter(): (count: number) => number {
  const before = process.cpuUsage();
  return (count) => {
    const { user, system } = process.cpuUsage(before);
    return (count / (user + system)) * 1e6;
  };
}

interface Footprint {
  /** What a million subjects added to the resident set, and what the process has then, in MB: after a collection. */
  addedMb: number;
  processMb: number;
}

const MILLION = 1_000_000;

async function bytesOf(what: string): Promise<Footprint> {
  const before = process.memoryUsage.rss();
  const kept = what === PEER ? await fillPeer() : fillStore(what);
  (globalThis as { gc?: () => void }).gc?.();
  const rss = process.memoryUsage.rss();
  if (kept.size() < MILLION) throw new Error(`only ${kept.size()} are remembered`);
  return { addedMb: (rss - before) / 1_048_576, processMb: rss / 1_048_576 };
}

/**
 * One charge serves all, as on every route. With a new one for each V8 comes to allocate them where long-lived objects
 * are, since the first five hundred happened to live when it looked (`--trace-pretenuring-statistics` tells), and the
 * same table then stands among 150 MB of dead charges: 300 MB instead of 135.
 */
function fillStore(what: string): { size: () => number } {
  const store = new MemoryStore();
  const counter = counterOf('bench', KIND[what as keyof typeof KIND], 3_600_000);
  const charge = newCharge({ counter, subject: '', limit: 100, burst: 100, cost: 1 });
  const charges = [charge];
  for (let index = 0; index < MILLION; index += 1) {
    charge.subject = subject(index);
    store.take(charges);
  }
  return { size: () => store.size };
}

async function fillPeer(): Promise<{ size: () => number }> {
  const limiter = new RateLimiterMemory({ points: 100, duration: 3_600 });
  for (let index = 0; index < MILLION; index += 1) await limiter.consume(subject(index));
  const last = await limiter.get(subject(0));
  return { size: () => (last === null ? 0 : MILLION) };
}

const WAITING = 256;

interface RedisRate {
  perSecond: number;
  /** Processor time of a check: the client's, and Redis's. */
  clientMicros: number;
  redisMicros: number;
}

/** So many checks under way at a time, by one client of one kind. */
async function redisRate(what: string, ms: number): Promise<RedisRate> {
  const port = Number(process.env['BENCH_REDIS_PORT']);
  const redis = new Redis({ port, host: '127.0.0.1', enableAutoPipelining: what.endsWith('auto-pipelined') });
  const limiter = new RateLimiterRedis({ storeClient: redis, points: HUGE, duration: 3_600 });
  const store = new RedisStore({ link: { run: (command) => command(redis) } });
  const charge = what in KIND ? chargeOn(KIND[what as keyof typeof KIND]) : null;
  const once = async (index: number): Promise<unknown> => {
    if (charge !== null) return store.take([charge(hot(index))]);
    if (what.startsWith('INCR')) return redis.incr(hot(index));
    return limiter.consume(hot(index));
  };
  let done = 0;
  const until = async (endMs: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      while (performance.now() < endMs) await once((done += 1));
    };
    await Promise.all(Array.from({ length: WAITING }, lane));
  };
  await until(performance.now() + 500);
  done = 0;
  const [cpu, redisCpu, began] = [process.cpuUsage(), await cpuOf(redis), performance.now()];
  await until(began + ms);
  const perSecond = (done / (performance.now() - began)) * 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const redisMicros = ((await cpuOf(redis)) - redisCpu) / done;
  redis.disconnect();
  return { perSecond, clientMicros: (user + system) / done, redisMicros };
}

/** What Redis has used, in microseconds. */
async function cpuOf(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}

answerParent(
  (question): Promise<number | RedisRate | Footprint> => {
    const { of, what, ms } = question as Question;
    if (of === 'memory') return memoryRate(what);
    return of === 'bytes' ? bytesOf(what) : redisRate(what, ms);
  },
  () => process.exit(0),
);
process.on('SIGTERM', () => process.exit(0));
