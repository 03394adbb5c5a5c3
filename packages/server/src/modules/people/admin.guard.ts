import type { Transaction } from 'kysely';
import { Problem, type ProblemKind } from '../../kernel/problem.ts';
import { credentialsMissing, OPEN } from '../../platform/auth/index.ts';
import type { Tables } from '../../platform/database/index.ts';
import { anyoneExists, isOurPerson, liveAdmins, lockAdmins } from './admin.sql.ts';

/**
 * The open server ends with the first key or person, and another one may have been made since this caller was let in.
 *
 * @throws Problem `unauthorized`
 */
export async function refuseOpenCallerWhenClosed(tx: Transaction<Tables>, actor: string): Promise<void> {
  if (actor !== OPEN.actor) return;
  await lockAdmins(tx);
  if (await anyoneExists(tx)) throw credentialsMissing();
}

/**
 * Without an admin nobody could make another, and the server does not open again. Keys and people count together. Somebody
 * with a token of the identity provider has admin without being either, and may take them all away.
 *
 * @param actor whose admin is about to go: `key:<id>` or `user:<id>`
 * @param refusal what it is called where it is the last one
 * @throws Problem of that kind
 */
export async function refuseLastAdmin(
  tx: Transaction<Tables>,
  actor: string,
  { by, nowMs, refusal }: { by: string; nowMs: number; refusal: { kind: ProblemKind; detail: string } },
): Promise<void> {
  await lockAdmins(tx);
  const [only, ...others] = await liveAdmins(tx, nowMs);
  if (only !== actor || others.length > 0) return;
  const isByToken = by.startsWith('user:') && !(await isOurPerson(tx, by));
  if (!isByToken) throw new Problem(refusal.kind, refusal.detail);
}
