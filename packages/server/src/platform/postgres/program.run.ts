import { execFile } from 'node:child_process';
import type { Account } from './embedded.types.ts';

export interface Outcome {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** A program that never ends by itself (a hung mount) must not hang us: initdb takes 1 s, 10 s on a bad day. */
const PROGRAM_TIMEOUT_MS = 120_000;

/** Only this: PG* variables, or a locale, of the person who started us must not reach PostgreSQL. */
export const BARE_ENVIRONMENT: Readonly<Record<string, string>> = { LC_ALL: 'C' };

/** The spawn options that make a child run as PostgreSQL's account; Node drops the other groups as well. */
export function as(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/** Runs a program to its end as the given account. A failure is an outcome, not an exception. */
export function runProgram(
  file: string,
  args: string[],
  options: { account?: Account | undefined; inheritEnvironment?: boolean } = {},
): Promise<Outcome> {
  const settings = {
    ...as(options.account),
    // Our own working directory may be one that the account cannot enter; PostgreSQL's programs fail in such a one.
    cwd: '/',
    timeout: PROGRAM_TIMEOUT_MS,
    maxBuffer: 4 << 20,
    ...(options.inheritEnvironment === true ? {} : { env: BARE_ENVIRONMENT }),
  };
  return new Promise((done) => {
    execFile(file, args, settings, (error, stdout, stderr) => {
      done({ ok: error === null, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
    });
  });
}

/** Whether the account can enter a directory, asked of the kernel: mode bits do not tell about ACLs and mounts. */
export async function canEnter(account: Account | undefined, directory: string): Promise<boolean> {
  return (await runProgram('sh', ['-c', 'cd "$1"', 'sh', directory], { account })).ok;
}
