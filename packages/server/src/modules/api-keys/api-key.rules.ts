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
