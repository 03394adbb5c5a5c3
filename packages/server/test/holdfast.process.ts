import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const CLI = fileURLToPath(new URL('../src/main/cli.ts', import.meta.url));
const STARTS_WITHIN_MS = 40_000;

/** A `holdfast serve` in a process group of its own. */
export interface ServingProcess {
  pid: number;
  /** From the one line on stdout. */
  address: string;
  stdout(): string;
  /** The log, a JSON object per line. */
  log(): Record<string, unknown>[];
  stderr(): string;
  /** Sends a signal to it alone, or to its whole group. */
  signal(name: NodeJS.Signals, to?: 'alone' | 'group'): void;
  /** Resolves when it has ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, and what came of it. */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

type Environment = Record<string, string>;

/** A directory that PostgreSQL's own account may enter where the tests run as root. */
export async function makeDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-cli-')));
  await chmod(path, 0o711);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs a command to its end. `input` is piped in. */
export function runHoldfast(args: readonly string[], env: Environment = {}, input = ''): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, ...args],
      { env: environment(env), maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      },
    );
    // A command that reads nothing may be gone before it is written.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Starts a server and does not wait for it. */
export function spawnHoldfast(args: readonly string[], env: Environment = {}): StartedProcess {
  return spawnCommand('serve', args, env);
}

/** Starts a process that does jobs, and does not wait for it. */
export function spawnWorker(args: readonly string[], env: Environment): StartedProcess {
  return spawnCommand('work', args, env);
}

/** Starts a process that does jobs, and waits until it says so. */
export async function workHoldfast(env: Environment, args: readonly string[] = []): Promise<StartedProcess> {
  const started = spawnWorker(args, env);
  let isEnded = false;
  void started.ended.then(() => (isEnded = true));
  await until('a worker', () => isEnded || started.stdout() !== '');
  if (isEnded) throw new Error(`it does not work: ${started.stderr()}`);
  return started;
}

type StartedProcess = Omit<ServingProcess, 'address'> & { child: ChildProcess; serving: () => Promise<string> };

function spawnCommand(command: 'serve' | 'work', args: readonly string[], env: Environment): StartedProcess {
  const child = spawn(process.execPath, [CLI, command, ...args], {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  const pid = child.pid ?? 0;
  const signal: ServingProcess['signal'] = (name, to = 'alone') => void process.kill(to === 'group' ? -pid : pid, name);
  return {
    child,
    pid,
    signal,
    ended,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    log: () => output.stderr.split('\n').flatMap(parsed),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) signal('SIGTERM');
      return ended;
    },
    serving: () => addressOf(child, output, ended),
  };
}

/** Starts a server and waits until it says where it serves. */
export async function serveHoldfast(args: readonly string[], env: Environment = {}): Promise<ServingProcess> {
  const started = spawnHoldfast(args, env);
  return { ...started, address: await started.serving() };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits for what another process is about to do; the patience is for a machine that runs many suites, not a promise. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = 40_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}

/** The status of a GET, or 0 where nobody listens. */
export async function statusOf(url: string): Promise<number> {
  try {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

async function addressOf(
  child: ChildProcess,
  output: { stdout: string; stderr: string },
  ended: Promise<unknown>,
): Promise<string> {
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  const deadline = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const address = /^Holdfast serves at (\S+)\n/.exec(output.stdout)?.[1];
    if (address !== undefined) return address;
    if (isEnded || performance.now() > deadline) {
      throw new Error(`it does not serve (exit code ${child.exitCode}): ${output.stdout}${output.stderr}`);
    }
    await sleep(10);
  }
}

/** Without settings, npm's variables and PG* of whoever runs the tests. */
function environment(env: Environment): Environment {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env };
}

function parsed(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  return [JSON.parse(line) as Record<string, unknown>];
}
