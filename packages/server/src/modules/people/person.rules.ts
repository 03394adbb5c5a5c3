import { Problem } from '../../kernel/problem.ts';
import { OPEN } from '../../platform/auth/index.ts';
import { personProblems } from './person.problems.ts';
import type { PersonPatchBody } from './person.schema.ts';
import type { Person } from './person.sql.ts';

/** A login as it is compared: the same letters typed on another keyboard, or in capitals, are the same login. */
export function foldLogin(login: string): string {
  return login.trim().normalize('NFKC').toLowerCase().normalize('NFKC');
}

/**
 * The first person ends the open server for good: without admin in it nobody could make the second.
 *
 * @throws Problem `first_person_needs_admin`
 */
export function refuseFirstWithoutAdmin(scopes: readonly string[], actor: string): void {
  if (actor !== OPEN.actor || scopes.includes('admin')) return;
  throw new Problem(
    personProblems.firstPersonNeedsAdmin,
    'With its first person the server is open no longer, and only somebody with admin can make more. Make one with the scope admin first.',
  );
}

export interface PersonFields {
  login: string;
  loginKey: string;
  name: string;
  scopes: readonly string[];
  disabledAt: number | null;
}

export function personAfterPatch(before: Person, patch: PersonPatchBody, nowMs: number): PersonFields {
  const { login = before.login, name = before.name, scopes = before.scopes } = patch;
  const { disabled = before.disabled_at !== null } = patch;
  const disabledAt = disabled ? (before.disabled_at ?? nowMs) : null;
  return { login, loginKey: foldLogin(login), name, scopes, disabledAt };
}

export function isLiveAdmin({ scopes, disabledAt }: Pick<PersonFields, 'scopes' | 'disabledAt'>): boolean {
  return disabledAt === null && scopes.includes('admin');
}
