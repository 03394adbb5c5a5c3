import { readFile } from 'node:fs/promises';
import { EmbeddedPostgresError, USE_YOUR_OWN } from './embedded.problems.ts';
import type { Account } from './embedded.types.ts';
import { runProgram } from './program.run.ts';

/** Accounts that exist nearly everywhere and own nothing. */
const PREFERRED = ['nobody', 'daemon'];

export function runningAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * PostgreSQL refuses to run as root, and initdb wants an account with a passwd entry. So root runs it as the owner of
 * the data, or as `nobody`; anyone else runs it as themselves (undefined).
 */
export async function chooseAccount(owner: { uid: number; gid: number } | undefined): Promise<Account | undefined> {
  if (!runningAsRoot()) return undefined;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  if (owner !== undefined && owner.uid !== 0) {
    return accounts.find((account) => account.uid === owner.uid) ?? { ...owner, name: `uid ${owner.uid}` };
  }
  for (const name of PREFERRED) {
    const account = accounts.find((candidate) => candidate.name === name && candidate.uid > 0);
    // Some containers cannot change to every uid (a user namespace that does not map it, no CAP_SETUID).
    if (account && (await runProgram('sh', ['-c', ':'], { account })).ok) return account;
  }
  throw new EmbeddedPostgresError(
    'no_unprivileged_user',
    `PostgreSQL refuses to run as root, and Holdfast found no account to run it as (tried ${PREFERRED.join(', ')}). ` +
      `Start Holdfast as an ordinary user, or ${USE_YOUR_OWN}.`,
  );
}

/** The account of a user who is not root, as passwd knows it: initdb insists on that. */
export async function accountOf(uid: number): Promise<Account | undefined> {
  if (uid === 0) return undefined;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  return accounts.find((account) => account.uid === uid);
}

/** passwd(5): name:password:uid:gid:comment:home:shell */
export function parseAccounts(passwd: string): Account[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (!name || !uid || !gid || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}
