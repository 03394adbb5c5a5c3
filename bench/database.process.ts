import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What one tick of /proc/…/stat is worth: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const STOP_WITHIN_MS = 10_000;
const STOP_STEP_MS = 100;

/** A process of a PostgreSQL, and the processor time that it has taken since its start, in microseconds. */
export interface DatabaseProcess {
  pid: number;
  /** Such as `checkpointer`, or `postgres postgres [local] idle` for a backend. */
  title: string;
  cpuUs: number;
}

/** The processes that live now below the postmaster, itself among them; on Linux only. */
export function databaseProcesses(dataDirectory: string): DatabaseProcess[] {
  const postmaster = process.platform === 'linux' ? postmasterBelow(dataDirectory, 3) : undefined;
  if (postmaster === undefined) return [];
  const pids = processes().filter((pid) => pid === postmaster || readStat(pid)?.parent === postmaster);
  return pids.flatMap((pid) => {
    const command = readText(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
    const cpuUs = threadCpuUs(pid, pid);
    if (command === undefined || cpuUs === undefined) return [];
    // PostgreSQL writes `postgres: <cluster name>: <what it is>` where its command line was.
    const title = pid === postmaster ? 'postmaster' : command.replace(/^postgres: (?:holdfast-\w+: )?/, '');
    return [{ pid, title, cpuUs }];
  });
}

/** The processor time of each living thread of a process in microseconds, by thread id. */
export function threadsCpuUs(pid: number): Map<number, number> {
  const threads = new Map<number, number>();
  if (process.platform !== 'linux') return threads;
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    const cpuUs = threadCpuUs(pid, Number(name));
    if (cpuUs !== undefined) threads.set(Number(name), cpuUs);
  }
  return threads;
}

/** Nanoseconds on a processor stand first: exact, where the ticks of `stat` are sampled. */
function threadCpuUs(pid: number, thread: number): number | undefined {
  const text = readText(`/proc/${pid}/task/${thread}/schedstat`);
  return text === undefined ? undefined : Number(text.split(' ', 1)[0]) / 1000;
}

/** Undefined where the process has ended since it was listed. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/**
 * The processor time in milliseconds that a PostgreSQL and its backends, living and ended, have taken; undefined where
 * there is no /proc, or no PostgreSQL below the directory.
 */
export function databaseCpuMs(dataDirectory: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const postmaster = postmasterBelow(dataDirectory, 3);
  const own = postmaster === undefined ? undefined : readStat(postmaster);
  if (postmaster === undefined || own === undefined) return undefined;
  const backends = processes().flatMap((pid) => {
    const stat = readStat(pid);
    return stat?.parent === postmaster ? [stat.ticks] : [];
  });
  return (own.ticks + own.endedChildrenTicks + backends.reduce((sum, ticks) => sum + ticks, 0)) * TICK_MS;
}

/**
 * Ends a PostgreSQL whose server died before it could stop it: its directory is about to be removed. SIGINT is its fast
 * shutdown.
 */
export async function stopDatabaseBelow(directory: string): Promise<void> {
  const postmaster = postmasterBelow(directory, 3);
  for (let waitedMs = 0; postmaster !== undefined && waitedMs < STOP_WITHIN_MS; waitedMs += STOP_STEP_MS) {
    if (!signal(postmaster)) return;
    await delay(STOP_STEP_MS);
  }
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGINT');
  } catch {
    // It is gone.
    return false;
  }
}

function postmasterBelow(directory: string, depth: number): number | undefined {
  if (!existsSync(directory)) return undefined;
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'postmaster.pid')) {
    return Number.parseInt(readFileSync(join(directory, 'postmaster.pid'), 'utf8'), 10);
  }
  if (depth === 0) return undefined;
  for (const entry of entries) {
    const found = entry.isDirectory() ? postmasterBelow(join(directory, entry.name), depth - 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function processes(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

interface Stat {
  parent: number;
  ticks: number;
  endedChildrenTicks: number;
}

/** The fields of proc(5); the second, the command, may hold blanks and is cut off first. */
function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (index: number): number => fields[index] ?? 0;
  return { parent: field(1), ticks: field(11) + field(12), endedChildrenTicks: field(13) + field(14) };
}
