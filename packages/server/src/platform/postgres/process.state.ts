import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type ProcessState = 'alive' | 'zombie' | 'gone';

/**
 * Whether a pid is a living process. A zombie is dead, though kill(pid, 0) succeeds: in a container whose first process
 * reaps nobody, a killed postmaster stays one for ever.
 */
export async function processState(pid: number): Promise<ProcessState> {
  if (process.platform !== 'linux') return stateFromPs(await ps(['-o', 'stat=', '-p', String(pid)]));
  try {
    return stateFromStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // hidepid hides the processes of others, so /proc alone does not prove that one is gone.
    return signalReaches(pid) ? 'alive' : 'gone';
  }
}

/** The third field of /proc/<pid>/stat (proc_pid_stat(5)); the name before it may hold blanks and parentheses. */
export function stateFromStat(stat: string): ProcessState {
  const state = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trimStart()
    .charAt(0);
  return state === 'Z' || state === 'X' || state === 'x' ? 'zombie' : 'alive';
}

function stateFromPs(output: string): ProcessState {
  const state = output.trim();
  if (state === '') return 'gone';
  return state.startsWith('Z') ? 'zombie' : 'alive';
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Whether a living pid is the postmaster of this data directory, and not a process that was given a dead postmaster's
 * pid. 'unknown' when the machine does not let us look; only an answer from its socket can tell then.
 */
export async function isPostmasterOf(pid: number, pgdata: string): Promise<'yes' | 'no' | 'unknown'> {
  const command = await commandLine(pid);
  if (command === undefined) return 'unknown';
  const program = basename(command[0] ?? '');
  // A postmaster's children retitle themselves "postgres: …".
  if (program !== 'postgres' && program !== 'postmaster') return 'no';
  const given = command.indexOf('-D');
  if (given > 0 && resolve(command[given + 1] ?? '') === pgdata) return 'yes';
  try {
    // A postmaster changes into its data directory at start, and stays.
    return (await readlink(`/proc/${pid}/cwd`)) === pgdata ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/**
 * The arguments of a process, readable by everyone, unlike its working directory. Undefined when hidden or gone; a
 * thread of the kernel has none.
 */
async function commandLine(pid: number): Promise<string[] | undefined> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
    return text?.replace(/\0+$/, '').split('\0');
  }
  const text = (await ps(['-o', 'command=', '-p', String(pid)])).trim();
  // ps joins with blanks; what follows our own "-D" is the path, which is always the last argument.
  const match = /^(.*?) -D (.*)$/.exec(text);
  if (match) return [match[1] ?? '', '-D', match[2] ?? ''];
  return text === '' ? undefined : [text];
}

/** The living processes whose title starts so, such as the children that a killed postmaster left. */
export async function processesTitled(prefix: string): Promise<number[]> {
  const found: number[] = [];
  if (process.platform !== 'linux') {
    for (const line of (await ps(['-axo', 'pid=,command='])).split('\n')) {
      const match = /^\s*(\d+) (.*)$/.exec(line);
      if (match?.[2]?.startsWith(prefix)) found.push(Number(match[1]));
    }
    return found;
  }
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await commandLine(Number(name));
    if (command?.[0]?.startsWith(prefix)) found.push(Number(name));
  }
  return found;
}

async function ps(args: string[]): Promise<string> {
  try {
    return (await run('ps', args)).stdout;
  } catch {
    // ps exits with 1 when no process matches.
    return '';
  }
}

/** Sends a signal to a process that may be gone by now. */
export function signal(pid: number, name: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
