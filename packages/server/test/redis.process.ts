import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { isInstalled } from './debian.packages.ts';
import { freePort, makeDirectory, until } from './holdfast.process.ts';

const PROGRAMS = ['redis-server', 'valkey-server'];

/** The Redis or Valkey of this machine, or null. */
export const redisProgram = PROGRAMS.find(isInstalled) ?? null;

/** For the name of a suite that cannot run without. */
export const redisName = redisProgram ?? 'Redis or Valkey, which is not installed';

/** A real Redis on a port of its own, which a test may kill, freeze, empty, or starve of memory. */
export interface RedisProcess {
  url: string;
  port: number;
  /** At once, as kill -9 does. */
  kill(): Promise<void>;
  /** The same port, and nothing in it. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  flush(): Promise<void>;
  /** It takes no more writes, as when its memory is full. */
  starve(): Promise<void>;
  feed(): Promise<void>;
  /** It becomes a replica, as the primary that was does after a failover. */
  demote(): Promise<void>;
  promote(): Promise<void>;
  /** How often it was asked this, in its life. */
  calls(command: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RedisProcess> {
  if (redisProgram === null) throw new Error('there is no Redis on this machine');
  const program = redisProgram;
  const directory = await makeDirectory();
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory.path];
    child = spawn(program, [...settings, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    await until('Redis listens', () => listens(port));
  };
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    child = null;
  };
  const ask = async <Answer>(work: (redis: Redis) => Promise<Answer>): Promise<Answer> => {
    const redis = new Redis(url);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  };
  // A test that fails before it has stopped its Redis leaves none behind.
  const end = (): void => void child?.kill('SIGKILL');
  process.once('exit', end);
  await start();
  return {
    url,
    port,
    start,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    flush: () => ask(async (redis) => void (await redis.flushall())),
    starve: () =>
      ask(async (redis) => {
        await redis.config('SET', 'maxmemory-policy', 'noeviction');
        // One byte: an empty Redis takes about 1 MB, which is less on some machines and more on others.
        await redis.config('SET', 'maxmemory', '1');
      }),
    feed: () => ask(async (redis) => void (await redis.config('SET', 'maxmemory', '0'))),
    // Of a primary that nobody is.
    demote: () => ask(async (redis) => void (await redis.replicaof('127.0.0.1', 1))),
    promote: () => ask(async (redis) => void (await redis.replicaof('NO', 'ONE'))),
    calls: async (command) => {
      const stats = await ask((redis) => redis.info('commandstats'));
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    },
    stop: async () => {
      child?.kill('SIGCONT');
      await kill();
      process.off('exit', end);
      await directory.remove();
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
