import type { CommandMeta, Answer } from '../../kernel/command.ts';
import { Problem, problems, validationFailed } from '../../kernel/problem.ts';
import type { Caller } from '../../platform/auth/index.ts';
import { refuseWeakPassword } from './password.rules.ts';
import { personProblems } from './person.problems.ts';
import type { PersonPasswordBody } from './person.schema.ts';
import { actorOf, personNotFound, personView, type PeopleDeps } from './person.service.ts';
import { findPerson, findSecrets, lockPerson, setPasswordHash } from './person.sql.ts';
import { endSessionsOf } from './session.sql.ts';
import type { Throttle } from './throttle.ts';

/** Who asks, and from where. */
export interface PasswordRequest {
  id: string;
  caller: Pick<Caller, 'actor' | 'scopes' | 'session'>;
  address: string;
}

/**
 * One's own password with the current one, or another's as an admin. All other sessions of that person end: whoever knew
 * the old one is out.
 *
 * @throws Problem `forbidden`, `person_not_found`, `validation_failed`, `wrong_password`, `too_many_attempts`
 */
export async function changePassword(
  deps: PeopleDeps & { throttle: Throttle },
  { id, caller, address }: PasswordRequest,
  body: PersonPasswordBody,
  meta: CommandMeta,
): Promise<Answer> {
  const isOwn = caller.session?.personId === id;
  if (!isOwn && !caller.scopes.has('admin')) {
    throw new Problem(problems.forbidden, "Another's password needs the scope admin.");
  }
  if (isOwn) await assertCurrentPassword(deps, { id, address }, body.currentPassword);
  return setPassword(deps, id, { password: body.password, but: isOwn ? (caller.session?.id ?? null) : null }, meta);
}

/**
 * Sets a password without asking for the current one, and ends all sessions but one.
 *
 * @throws Problem `person_not_found`, `validation_failed`
 */
export async function setPassword(
  { engine, database, passwords, people }: PeopleDeps,
  id: string,
  { password, but }: { password: string; but: string | null },
  meta: CommandMeta,
): Promise<Answer> {
  const person = await findPerson(database.kysely, id);
  if (person === undefined || person.removed_at !== null) throw personNotFound(id);
  refuseWeakPassword(password, person, '/password');
  const passwordHash = await passwords.hash(password);
  try {
    return await engine.transact(meta, async (tx, now) => {
      if ((await lockPerson(tx, id)) === undefined) throw personNotFound(id);
      const view = personView(await setPasswordHash(tx, id, passwordHash));
      await endSessionsOf(tx, id, { but, nowMs: now });
      return { status: 204, body: null, journal: [{ kind: 'person.password_changed', subject: id, data: view }] };
    });
  } finally {
    people.personChanged(id);
  }
}

/** Counted as signing in is: who found a screen unlocked must not guess without end. */
async function assertCurrentPassword(
  { database, passwords, throttle }: PeopleDeps & { throttle: Throttle },
  { id, address }: { id: string; address: string },
  currentPassword: string | undefined,
): Promise<void> {
  if (currentPassword === undefined) {
    throw validationFailed([{ path: '/currentPassword', message: "is needed to change one's own password" }]);
  }
  const secrets = await findSecrets(database.kysely, id);
  if (secrets === undefined) throw personNotFound(id);
  const attempt = await throttle.attempt(secrets.login_key, address);
  if ((await passwords.verify(currentPassword, secrets.password_hash)) === 'wrong') {
    throw new Problem(personProblems.wrongPassword, `It is not the current password of ${actorOf(id)}.`);
  }
  await throttle.succeeded(attempt);
}
