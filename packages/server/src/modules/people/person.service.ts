import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { refuseOtherVersion, type IfMatch } from '../../kernel/if.match.ts';
import { Problem } from '../../kernel/problem.ts';
import { isScope, type Authenticator } from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOf } from '../../platform/http/index.ts';
import { refuseLastAdmin, refuseOpenCallerWhenClosed } from './admin.guard.ts';
import { refuseWeakPassword } from './password.rules.ts';
import type { Passwords } from './passwords.ts';
import { personProblems } from './person.problems.ts';
import { foldLogin, isLiveAdmin, personAfterPatch, refuseFirstWithoutAdmin } from './person.rules.ts';
import type { NewPersonBody, PersonPatchBody, PersonQuery, PersonView } from './person.schema.ts';
import {
  findByLogin,
  findPerson,
  insertPerson,
  isLoginTaken,
  listPeople,
  lockPerson,
  personOrder,
  removePersonRow,
  updatePerson,
  type Person,
} from './person.sql.ts';
import { deleteSessionsOf, endSessionsOf } from './session.sql.ts';

/** What hears of people who were made and changed: this process then knows at once, the others within a second. */
export type PeopleListener = Pick<Authenticator, 'personCreated' | 'personChanged'>;

export interface PeopleDeps {
  engine: Engine;
  database: Database;
  passwords: Passwords;
  people: PeopleListener;
}

interface Target {
  id: string;
  ifMatch: IfMatch;
}

/** @throws Problem `first_person_needs_admin`, `validation_failed`, `duplicate_login`, `overloaded` */
export async function createPerson(
  { engine, passwords, people }: PeopleDeps,
  { login, name, scopes, password }: NewPersonBody,
  meta: CommandMeta,
): Promise<Answer> {
  refuseFirstWithoutAdmin(scopes, meta.actor);
  refuseWeakPassword(password, { login, name }, '/password');
  const passwordHash = await passwords.hash(password);
  const answer = await engine.transact(meta, async (tx, now) => {
    await refuseOpenCallerWhenClosed(tx, meta.actor);
    const person = { id: newId(now), login, loginKey: foldLogin(login), name, scopes, passwordHash };
    const row = await insertPerson(tx, person, now);
    if (row === undefined) throw duplicateLogin(login);
    const view = personView(row);
    return {
      status: 201,
      body: view,
      headers: { location: `/api/v1/people/${view.id}`, etag: etagOf(view.version) },
      journal: [{ kind: 'person.created', subject: view.id, data: view }],
    };
  });
  people.personCreated();
  return answer;
}

/**
 * A patch that changes nothing is answered with the person as it is, and leaves no trace.
 *
 * @throws Problem `person_not_found`, `precondition_failed`, `duplicate_login`, `last_admin`
 */
export async function patchPerson(
  { engine, people }: PeopleDeps,
  target: Target,
  patch: PersonPatchBody,
  meta: CommandMeta,
): Promise<Answer> {
  try {
    return await engine.transact(meta, async (tx, now) => {
      const before = expected(await lockPerson(tx, target.id), target);
      const fields = personAfterPatch(before, patch, now);
      if (await isLoginTaken(tx, fields.loginKey, target.id)) throw duplicateLogin(fields.login);
      if (!isLiveAdmin(fields)) await refuseLastAdmin(tx, actorOf(target.id), lastOne(meta, now));

      const isChanged = !isDeepStrictEqual(fields, personAfterPatch(before, {}, now));
      const row = isChanged ? await updatePerson(tx, target.id, fields) : before;
      if (fields.disabledAt !== null) await endSessionsOf(tx, target.id, { nowMs: now });
      const view = personView(row);
      return {
        status: 200,
        body: view,
        headers: { etag: etagOf(view.version) },
        journal: isChanged ? [{ kind: 'person.updated', subject: view.id, data: view }] : [],
      };
    });
  } finally {
    // Also when nobody knows whether it was committed.
    people.personChanged(target.id);
  }
}

/** @throws Problem `person_not_found`, `precondition_failed`, `last_admin` */
export async function removePerson({ engine, people }: PeopleDeps, target: Target, meta: CommandMeta): Promise<Answer> {
  try {
    return await engine.transact(meta, async (tx, now) => {
      expected(await lockPerson(tx, target.id), target);
      await refuseLastAdmin(tx, actorOf(target.id), lastOne(meta, now));

      const view = personView(await removePersonRow(tx, target.id, now));
      await deleteSessionsOf(tx, target.id);
      return { status: 204, body: null, journal: [{ kind: 'person.removed', subject: view.id, data: view }] };
    });
  } finally {
    people.personChanged(target.id);
  }
}

/** @throws Problem `person_not_found` */
export async function getPerson(database: Database, id: string): Promise<PersonView> {
  const row = await findPerson(database.kysely, id);
  if (row === undefined) throw personNotFound(id);
  return personView(row);
}

/** @throws Problem `person_not_found` */
export async function getPersonByLogin(database: Database, login: string): Promise<PersonView> {
  const row = await findByLogin(database.kysely, foldLogin(login));
  if (row === undefined) {
    throw new Problem(personProblems.personNotFound, `Nobody has the login ${JSON.stringify(login)}.`);
  }
  return personView(row);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfPeople(database: Database, query: PersonQuery): Promise<Page<PersonView>> {
  const { limit, cursor, sort = '-createdAt' } = query;
  const list = { route: 'people', sort };
  const rows = await listPeople(database.kysely, personOrder(sort === '-createdAt'), { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], personView);
}

/** As ledger and journal show what a person did; a token's subject looks alike. */
export function actorOf(personId: string): string {
  return `user:${personId}`;
}

export function personNotFound(id: string): Problem {
  return new Problem(personProblems.personNotFound, `There is no person with the id ${id}.`);
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : toRfc3339(ms);
}

export function personView(row: Person): PersonView {
  return {
    id: row.id,
    login: row.login,
    name: row.name,
    scopes: row.scopes.filter(isScope),
    createdAt: toRfc3339(row.created_at),
    lastSignInAt: timeOf(row.last_sign_in_at),
    disabledAt: timeOf(row.disabled_at),
    removedAt: timeOf(row.removed_at),
    version: row.version,
  };
}

function expected(row: Person | undefined, { id, ifMatch }: Target): Person {
  if (row === undefined) throw personNotFound(id);
  refuseOtherVersion(row.version, ifMatch);
  return row;
}

function lastOne({ actor }: CommandMeta, nowMs: number) {
  const detail = 'Give another person or key the scope admin first.';
  return { by: actor, nowMs, refusal: { kind: personProblems.lastAdmin, detail } };
}

function duplicateLogin(login: string): Problem {
  return new Problem(personProblems.duplicateLogin, `Somebody already signs in as ${JSON.stringify(login)}.`);
}
