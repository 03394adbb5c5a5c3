import { Problem, validationFailed } from '../../kernel/problem.ts';
import { OPEN } from '../../platform/auth/index.ts';
import { apiKeyProblems } from './api-key.problems.ts';

/**
 * The first key ends the open server for good: without admin in it nobody could make the second.
 *
 * @throws Problem `first_key_needs_admin`
 */
export function refuseLockingOut(scopes: readonly string[], actor: string): void {
  if (actor !== OPEN.actor || scopes.includes('admin')) return;
  throw new Problem(
    apiKeyProblems.firstKeyNeedsAdmin,
    'With its first key the server is open no longer, and only a key with admin can make more. Make one with the scope admin first.',
  );
}

/** @throws Problem `validation_failed` */
export function refusePastExpiry(expiresAt: number | null, nowMs: number): void {
  if (expiresAt !== null && expiresAt <= nowMs) {
    throw validationFailed([{ path: '/expiresAt', message: 'must be in the future' }]);
  }
}

/**
 * Without an admin key nobody could make another, and the server does not open again. A person with a token has admin
 * without a key, and may revoke them all.
 *
 * @throws Problem `last_admin_key`
 */
export function refuseLastAdminKey(id: string, liveAdminKeys: readonly string[], actor: string): void {
  const isLast = liveAdminKeys.length === 1 && liveAdminKeys[0] === id;
  if (!isLast || actor.startsWith('user:')) return;
  throw new Problem(
    apiKeyProblems.lastAdminKey,
    'Without it nobody could administer this server. Make another key with the scope admin, then revoke this one.',
  );
}
