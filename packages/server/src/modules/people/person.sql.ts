import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { PersonTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

export type Person = Omit<Selectable<PersonTable>, 'password_hash' | 'login_key'>;

export interface NewPerson {
  id: string;
  login: string;
  loginKey: string;
  name: string;
  scopes: readonly string[];
  passwordHash: string;
}

const SHOWN = [
  'id',
  'login',
  'name',
  'scopes',
  'created_at',
  'last_sign_in_at',
  'disabled_at',
  'removed_at',
  'version',
] as const;

/** Answers nothing where somebody has this login. */
export async function insertPerson(
  tx: Transaction<Tables>,
  person: NewPerson,
  nowMs: number,
): Promise<Person | undefined> {
  return tx
    .insertInto('person')
    .values({
      id: person.id,
      login: person.login,
      login_key: person.loginKey,
      name: person.name,
      scopes: [...person.scopes],
      password_hash: person.passwordHash,
      created_at: toRfc3339(nowMs),
    })
    .onConflict((conflict) => conflict.column('login_key').where('removed_at', 'is', null).doNothing())
    .returning(SHOWN)
    .executeTakeFirst();
}

/** Removed ones included. */
export async function findPerson(db: Kysely<Tables>, id: string): Promise<Person | undefined> {
  return db.selectFrom('person').select(SHOWN).where('id', '=', id).executeTakeFirst();
}

/** Who signs in with this login, and the hash of the password; disabled ones included. */
export async function findByLogin(
  db: Kysely<Tables>,
  loginKey: string,
): Promise<(Person & { password_hash: string | null }) | undefined> {
  return db
    .selectFrom('person')
    .select([...SHOWN, 'password_hash'])
    .where('login_key', '=', loginKey)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
}

/** The login as it is compared, and the hash of the password. */
export async function findSecrets(
  db: Kysely<Tables>,
  id: string,
): Promise<{ login_key: string; password_hash: string | null } | undefined> {
  return db.selectFrom('person').select(['login_key', 'password_hash']).where('id', '=', id).executeTakeFirst();
}

/** Removed ones are not there. */
export async function lockPerson(tx: Transaction<Tables>, id: string): Promise<Person | undefined> {
  return tx
    .selectFrom('person')
    .select(SHOWN)
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
}

export async function isLoginTaken(tx: Transaction<Tables>, loginKey: string, but: string): Promise<boolean> {
  const row = await tx
    .selectFrom('person')
    .select('id')
    .where('login_key', '=', loginKey)
    .where('removed_at', 'is', null)
    .where('id', '<>', but)
    .executeTakeFirst();
  return row !== undefined;
}

export async function updatePerson(
  tx: Transaction<Tables>,
  id: string,
  fields: { login: string; loginKey: string; name: string; scopes: readonly string[]; disabledAt: number | null },
): Promise<Person> {
  return tx
    .updateTable('person')
    .set({
      login: fields.login,
      login_key: fields.loginKey,
      name: fields.name,
      scopes: [...fields.scopes],
      disabled_at: fields.disabledAt === null ? null : toRfc3339(fields.disabledAt),
      version: sql<number>`version + 1`,
    })
    .where('id', '=', id)
    .returning(SHOWN)
    .executeTakeFirstOrThrow();
}

export async function removePersonRow(tx: Transaction<Tables>, id: string, nowMs: number): Promise<Person> {
  return tx
    .updateTable('person')
    .set({ removed_at: toRfc3339(nowMs), password_hash: null, version: sql<number>`version + 1` })
    .where('id', '=', id)
    .returning(SHOWN)
    .executeTakeFirstOrThrow();
}

export async function setPasswordHash(tx: Transaction<Tables>, id: string, passwordHash: string): Promise<Person> {
  return tx
    .updateTable('person')
    .set({ password_hash: passwordHash, version: sql<number>`version + 1` })
    .where('id', '=', id)
    .returning(SHOWN)
    .executeTakeFirstOrThrow();
}

/** Answers nothing where the person was changed since the password was checked. `rehashed`: to be stored instead. */
export async function noteSignIn(
  tx: Transaction<Tables>,
  { id, checked, rehashed }: { id: string; checked: string; rehashed: string | null },
  nowMs: number,
): Promise<Person | undefined> {
  return tx
    .updateTable('person')
    .set({ last_sign_in_at: toRfc3339(nowMs), password_hash: rehashed ?? checked })
    .where('id', '=', id)
    .where('password_hash', '=', checked)
    .where('disabled_at', 'is', null)
    .returning(SHOWN)
    .executeTakeFirst();
}

/** Ids are UUIDv7 of the database's time: their order is the order in which people were made. */
export function personOrder(descending: boolean): ListOrder {
  return { columns: [{ ref: 'person.id', kind: 'uuid' }], descending };
}

/** One page of people who were not removed, and one row more. */
export async function listPeople(
  db: Kysely<Tables>,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Person[]> {
  return db
    .selectFrom('person')
    .select(SHOWN)
    .where('removed_at', 'is', null)
    .where(rowsAfter(order, page.list, page.cursor))
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

/** What a key is called and when it ends. */
export async function describeKey(
  db: Kysely<Tables>,
  id: string,
): Promise<{ name: string; expires_at: number | null } | undefined> {
  return db.selectFrom('api_key').select(['name', 'expires_at']).where('id', '=', id).executeTakeFirst();
}
