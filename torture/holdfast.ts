import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClientConfig } from 'pg';

/** A command of Holdfast in a process of its own. */
export interface HoldfastProcess {
  pid: number;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, as an operator would; resolves with its exit code, null where a signal ended it. */
  stop(): Promise<number | null>;
  /** What it wrote. */
  output(): string;
}

/** A server in a process of its own. */
export interface Holdfast extends HoldfastProcess {
  /** Such as http://127.0.0.1:41234 */
  address: string;
  /** From its start until it was ready. */
  readyAfterMs: number;
}

const CLI = fileURLToPath(new URL('../packages/server/src/main/cli.ts', import.meta.url));
/** "The same start on the same data is ready within 20 s"; a machine that runs all suites at once is given more. */
const READY_WITHIN_MS = 90_000;
/** A worker, and a command that ends: nobody waits for them. */
const WORKS_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 20_000;
/** Settings of whoever runs the tests are not the tested server's. */
const OWN_SETTINGS =
  /^(HOLDFAST_.*|DATABASE_.*|HOST|PORT|REDIS_URL|LOG_LEVEL|CORS_ORIGIN|TRUST_PROXY|BODY_LIMIT|NODE_OPTIONS|VITEST.*)$/;

const running = new Set<number>();
const directories = new Set<string>();
// A run that is ended leaves nothing behind: no server, no PostgreSQL of an embedded one, no data.
process.on('exit', () => {
  for (const pid of running) endProcess(pid, 'SIGKILL');
  for (const directory of directories) {
    try {
      endProcess(Number.parseInt(readFileSync(join(directory, 'data/postgres/postmaster.pid'), 'utf8'), 10), 'SIGKILL');
    } catch {
      // None runs there.
    }
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Starts `holdfast serve` on a free port of loopback and waits until it is ready. */
export async function startHoldfast(env: Record<string, string>, flags: readonly string[] = []): Promise<Holdfast> {
  const startedMs = performance.now();
  let address: string | undefined;
  const hasBegun = async (output: string): Promise<boolean> => {
    address ??= /^[^{\n]*(http:\/\/[\d.]+:\d+)/m.exec(output)?.[1];
    return address !== undefined && (await isReady(address));
  };
  const server = await launch(['serve', '--port', '0', ...flags], env, hasBegun, READY_WITHIN_MS);
  return { ...server, address: address ?? '', readyAfterMs: performance.now() - startedMs };
}

/** Starts `holdfast work` and waits until it does. */
export function startWorker(env: Record<string, string>): Promise<HoldfastProcess> {
  return launch(['work'], env, (output) => Promise.resolve(/^Holdfast works/m.test(output)), WORKS_WITHIN_MS);
}

/** Runs a command to its end. */
export async function runHoldfast(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const { child, ended, output } = spawnHoldfast(args, env);
  const timer = setTimeout(() => endProcess(child.pid ?? 0, 'SIGKILL'), WORKS_WITHIN_MS);
  const code = await ended;
  clearTimeout(timer);
  return { code, output: output() };
}

function spawnHoldfast(args: readonly string[], env: Record<string, string>) {
  const inherited = Object.entries(process.env).filter(([name]) => !OWN_SETTINGS.test(name));
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...Object.fromEntries(inherited), LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  running.add(pid);
  let output = '';
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(pid);
      resolve(code);
    });
  });
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return { child, ended, output: () => output };
}

async function launch(
  args: readonly string[],
  env: Record<string, string>,
  hasBegun: (output: string) => Promise<boolean>,
  withinMs: number,
): Promise<HoldfastProcess> {
  const startedMs = performance.now();
  const { child, ended, output } = spawnHoldfast(args, env);
  const pid = child.pid ?? 0;
  // Its pid may be another's once it is gone.
  const signal = (name: NodeJS.Signals): void => {
    if (running.has(pid)) endProcess(pid, name);
  };
  while (performance.now() - startedMs < withinMs && running.has(pid)) {
    if (await hasBegun(output())) {
      return {
        pid,
        signal,
        kill: async () => {
          signal('SIGKILL');
          await ended;
        },
        stop: async () => {
          signal('SIGCONT');
          signal('SIGTERM');
          const timer = setTimeout(() => signal('SIGKILL'), STOP_WITHIN_MS);
          const code = await ended;
          clearTimeout(timer);
          return code;
        },
        output,
      };
    }
    await delay(20);
  }
  signal('SIGKILL');
  throw new Error(`holdfast ${args[0]} was not ready within ${withinMs} ms; it wrote:\n${output()}`);
}

async function isReady(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/health/ready`);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

export function endProcess(pid: number, signal: NodeJS.Signals): void {
  // To the system 0 and less are whole groups of processes, ours among them.
  if (!(pid > 1)) throw new RangeError(`${pid} is not a process to end`);
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** The processes that a process started itself. */
export async function childrenOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim();
  const pids = children === '' ? [] : children.split(' ').map(Number);
  return Promise.all(
    pids.map(async (child) => ({
      pid: child,
      command: (await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
    })),
  );
}

/** A directory for an embedded database. Where we are root, PostgreSQL's own account has to enter it. */
export async function makeDataDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-torture-'));
  await chmod(parent, 0o711);
  directories.add(parent);
  return {
    path: join(parent, 'data'),
    remove: async () => {
      const postmaster = await findPostmaster(join(parent, 'data')).catch(() => null);
      if (postmaster !== null) endProcess(postmaster.pid, 'SIGQUIT');
      await rm(parent, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      directories.delete(parent);
    },
  };
}

/** A database that comes back may refuse for a while: the work is tried again until it succeeds, or for so long. */
export async function patiently<Result>(work: () => Promise<Result>, forMs = 30_000): Promise<Result> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() - startedMs > forMs) throw error;
      await delay(100);
    }
  }
}

export interface Postmaster {
  pid: number;
  connection: ClientConfig;
}

/** The PostgreSQL of a data directory, from its postmaster.pid: pid, data, start, port, socket's directory. */
export async function findPostmaster(dataDirectory: string): Promise<Postmaster> {
  const lines = (await readFile(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  const [pid = '', , , port = '', host = ''] = lines.map((line) => line.trim());
  // While it starts, the file is there and not written yet.
  if (!/^[1-9]\d*$/.test(pid) || host === '') throw new Error('postmaster.pid is not whole');
  return { pid: Number(pid), connection: { host, port: Number(port), user: 'holdfast', database: 'holdfast' } };
}
