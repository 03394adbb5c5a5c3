import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, makeDirectory } from './holdfast.process.ts';

const BIN = '/usr/lib/postgresql/15/bin';

/** Why suites that need a PostgreSQL of the machine cannot run, or null. */
export const noDebianPostgres = existsSync(join(BIN, 'postgres')) ? null : `there is no PostgreSQL 15 in ${BIN}`;

/** Debian's PostgreSQL 15 on TCP, which a test may stop, start, freeze and thaw. */
export interface DebianPostgres {
  url: string;
  port: number;
  start(): Promise<void>;
  /** Sessions are ended. */
  stop(): Promise<void>;
  /** All its processes stand still: its port accepts, and nothing is answered. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** One of its programs, such as pg_dump; gives what it printed. */
  run(program: string, ...args: string[]): Promise<string>;
  /** A path that its account may write. */
  file(name: string): string;
  remove(): Promise<void>;
}

/** Makes one with the database `shop`; it is not started. */
export async function makeDebianPostgres(): Promise<DebianPostgres> {
  const directory = await makeDirectory();
  const port = await freePort();
  const data = join(directory.path, 'data');
  const account = process.getuid?.() === 0 ? await accountOf('nobody') : undefined;
  const as = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  const run = async (program: string, ...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(join(BIN, program), args, { ...as, cwd: '/' });
    return stdout;
  };
  await mkdir(data, { mode: 0o700 });
  if (account !== undefined) await chown(data, account.uid, account.gid);
  await run('initdb', '-D', data, '-U', 'shop', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync');
  await writeFile(
    join(data, 'postgresql.auto.conf'),
    `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\nfsync = off\n`,
  );
  const control = (...args: string[]): Promise<string> =>
    // pg_ctl hands its output to the server, which keeps it open.
    run('pg_ctl', '-D', data, '-w', '-s', '-l', join(data, 'log'), ...args);
  const everyProcess = async (signal: NodeJS.Signals): Promise<void> => {
    const postmaster = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    for (const pid of [postmaster, ...children.trim().split(' ').map(Number)]) process.kill(pid, signal);
  };
  await control('start');
  await run('createdb', '-h', '127.0.0.1', '-p', String(port), '-U', 'shop', 'shop');
  await control('stop', '-m', 'fast');
  return {
    url: `postgres://shop@127.0.0.1:${port}/shop`,
    port,
    start: async () => void (await control('start')),
    stop: async () => void (await control('stop', '-m', 'fast')),
    freeze: () => everyProcess('SIGSTOP'),
    thaw: () => everyProcess('SIGCONT'),
    run,
    file: (name) => join(data, name),
    remove: async () => {
      await control('stop', '-m', 'immediate').catch(() => undefined);
      await directory.remove();
    },
  };
}

export async function accountOf(name: string): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? '').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
