import { onceOnly, type Work } from '../../engine/index.ts';
import type { CommandMeta, Answer } from '../../kernel/command.ts';
import { Problem, problems, validationFailed } from '../../kernel/problem.ts';
import type { Caller } from '../../platform/auth/index.ts';
import { refuseWeakPassword } from './password.rules.ts';
import { personProblems } from './person.problems.ts';
import type { PersonPasswordBody } from './person.schema.ts';
import { personNotFound, personView, type PeopleDeps } from './person.service.ts';
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
 * the old one is out. A repeat is answered before the current password is asked for, which by then is another.
 *
 * @throws Problem `forbidden`, `person_not_found`, `validation_failed`, `wrong_password`, `too_many_attempts`
 */
export async function changePassword(
  deps: PeopleDeps & { throttle: Throttle },
  { id, caller: { session, scopes }, address }: PasswordRequest,
  { password, currentPassword }: PersonPasswordBody,
  meta: CommandMeta,
): Promise<Answer> {
  const own = session?.personId === id ? session : null;
  if (own === null && !scopes.has('admin')) {
    throw new Problem(problems.forbidden, "Another's password needs the scope admin.");
  }
  let isUnderWay = false;
  try {
    return await onceOnly(deps.engine, meta, async () => {
      const checked = own === null ? null : await checkCurrentPassword(deps, { id, address }, currentPassword);
      const work = await settingPassword(deps, id, { password, checked, but: own?.id ?? null });
      isUnderWay = true;
      return work;
    });
  } finally {
    // Also when nobody knows whether it was committed; not for every guess, since all instances hear of it.
    if (isUnderWay) deps.people.personChanged(id);
  }
}

/**
 * Sets a password without asking for the current one, and ends all sessions.
 *
 * @throws Problem `person_not_found`, `validation_failed`
 */
export async function setPassword(deps: PeopleDeps, id: string, password: string, meta: CommandMeta): Promise<Answer> {
  const work = await settingPassword(deps, id, { password, checked: null, but: null });
  try {
    return await deps.engine.transact(meta, work);
  } finally {
    deps.people.personChanged(id);
  }
}

/**
 * @param checked the hash by which the caller showed to know the password: while it was checked, an admin may have set
 * another one, because somebody else knows it
 * @param but the session that goes on
 */
async function settingPassword(
  { database, passwords }: PeopleDeps,
  id: string,
  { password, checked, but }: { password: string; checked: string | null; but: string | null },
): Promise<Work> {
  const person = await findPerson(database.kysely, id);
  if (person === undefined || person.removed_at !== null) throw personNotFound(id);
  refuseWeakPassword(password, person, '/password');
  const passwordHash = await passwords.hash(password);
  return async (tx, now) => {
    if ((await lockPerson(tx, id)) === undefined) throw personNotFound(id);
    if (checked !== null && (await findSecrets(tx, id))?.password_hash !== checked) throw wrongPassword();
    const view = personView(await setPasswordHash(tx, id, passwordHash));
    await endSessionsOf(tx, id, { but, nowMs: now });
    return { status: 204, body: null, journal: [{ kind: 'person.password_changed', subject: id, data: view }] };
  };
}

/**
 * Counted as signing in is: who found a screen unlocked must not guess without end.
 *
 * @returns the hash that it fits
 */
async function checkCurrentPassword(
  { database, passwords, throttle }: PeopleDeps & { throttle: Throttle },
  { id, address }: { id: string; address: string },
  currentPassword: string | undefined,
): Promise<string | null> {
  if (currentPassword === undefined) {
    throw validationFailed([{ path: '/currentPassword', message: "is needed to change one's own password" }]);
  }
  const secrets = await findSecrets(database.kysely, id);
  if (secrets === undefined) throw personNotFound(id);
  const { login_key: loginKey, password_hash: stored } = secrets;
  const attempt = await throttle.attempt(loginKey, address);
  const verdict = await throttle.judge(attempt, () => passwords.verify(currentPassword, stored));
  if (verdict === 'wrong') throw wrongPassword();
  await throttle.succeeded(attempt);
  return stored;
}

function wrongPassword(): Problem {
  return new Problem(personProblems.wrongPassword, 'It is not the current password.');
}
