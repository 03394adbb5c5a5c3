import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { PersonSessionTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

export type PersonSession = Omit<Selectable<PersonSessionTable>, 'token_hash' | 'network'>;

/** So long a session lives without use. */
const IDLE_MS = 12 * 3_600_000;
/** And no longer than this, whatever its use. */
const LIFE_MS = 14 * 86_400_000;
/** Rows are kept so long: they tell from where a person has signed in. */
const KEPT_MS = 44 * 86_400_000;
const SESSIONS_MAX = 50;
const SWEEP_ROWS = 20;

const SHOWN = [
  'id',
  'person_id',
  'created_at',
  'last_seen_at',
  'idle_ends_at',
  'ends_at',
  'ended_at',
  'address',
  'user_agent',
] as const;

export async function insertSession(
  tx: Transaction<Tables>,
  session: {
    id: string;
    personId: string;
    tokenHash: Buffer;
    address: string;
    network: string;
    userAgent: string | null;
  },
  nowMs: number,
): Promise<PersonSession> {
  return tx
    .insertInto('person_session')
    .values({
      id: session.id,
      person_id: session.personId,
      token_hash: session.tokenHash,
      created_at: toRfc3339(nowMs),
      last_seen_at: toRfc3339(nowMs),
      idle_ends_at: toRfc3339(nowMs + IDLE_MS),
      ends_at: toRfc3339(nowMs + LIFE_MS),
      address: session.address,
      network: session.network,
      user_agent: session.userAgent,
    })
    .returning(SHOWN)
    .executeTakeFirstOrThrow();
}

/** A session that lives, of a person who may sign in. */
export async function findLiveSession(db: Kysely<Tables>, tokenHash: Buffer) {
  return db
    .selectFrom('person_session as session')
    .innerJoin('person', 'person.id', 'session.person_id')
    .select(['session.id', 'session.person_id', 'session.idle_ends_at', 'person.name', 'person.scopes'])
    .where('session.token_hash', '=', tokenHash)
    .where('session.ended_at', 'is', null)
    .where('session.idle_ends_at', '>', sql<number>`clock_timestamp()`)
    .where('person.disabled_at', 'is', null)
    .where('person.removed_at', 'is', null)
    .executeTakeFirst();
}

/** Puts off the end of a session that lives. */
export async function touchSession(db: Kysely<Tables>, id: string): Promise<void> {
  await sql`
    UPDATE person_session
    SET last_seen_at = clock_timestamp(),
      idle_ends_at = least(ends_at, clock_timestamp() + ${sql.lit(IDLE_MS)} * interval '1 millisecond')
    WHERE id = ${id} AND ended_at IS NULL AND idle_ends_at > clock_timestamp()
  `.execute(db);
}

/** Answers nothing where no session with this token lives. */
export async function endSessionByToken(
  tx: Transaction<Tables>,
  tokenHash: Buffer,
  nowMs: number,
): Promise<PersonSession | undefined> {
  return ending(tx, nowMs).where('token_hash', '=', tokenHash).returning(SHOWN).executeTakeFirst();
}

/** Answers nothing where the person has no such session that lives. */
export async function endSession(
  tx: Transaction<Tables>,
  { id, personId }: { id: string; personId: string },
  nowMs: number,
): Promise<PersonSession | undefined> {
  return ending(tx, nowMs).where('id', '=', id).where('person_id', '=', personId).returning(SHOWN).executeTakeFirst();
}

/** Ends all of a person's sessions, or all but one. */
export async function endSessionsOf(
  tx: Transaction<Tables>,
  personId: string,
  { but = null, nowMs }: { but?: string | null; nowMs: number },
): Promise<void> {
  let query = ending(tx, nowMs).where('person_id', '=', personId);
  if (but !== null) query = query.where('id', '<>', but);
  await query.execute();
}

/** Beyond so many, a person's oldest sessions end. Answers whether any did. */
export async function endSurplusSessions(tx: Transaction<Tables>, personId: string, nowMs: number): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    UPDATE person_session SET ended_at = ${toRfc3339(nowMs)}::timestamptz WHERE id IN (
      SELECT id FROM person_session
      WHERE person_id = ${personId} AND ended_at IS NULL AND idle_ends_at > ${toRfc3339(nowMs)}::timestamptz
      ORDER BY id DESC OFFSET ${sql.lit(SESSIONS_MAX)})
  `.execute(tx);
  return numAffectedRows > 0n;
}

/** A few of the rows that nobody needs any more: each sign-in takes away more than it adds. */
export async function deleteOldSessions(tx: Transaction<Tables>, nowMs: number): Promise<void> {
  await sql`
    DELETE FROM person_session WHERE id IN (
      SELECT id FROM person_session WHERE created_at < ${toRfc3339(nowMs - KEPT_MS)}::timestamptz
      ORDER BY created_at LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)
  `.execute(tx);
}

export async function deleteSessionsOf(tx: Transaction<Tables>, personId: string): Promise<void> {
  await tx.deleteFrom('person_session').where('person_id', '=', personId).execute();
}

/** Whether the person with this login has signed in from there within the time that rows are kept. */
export async function hasSignedInFrom(
  tx: Transaction<Tables>,
  { loginKey, network }: { loginKey: string; network: string },
  nowMs: number,
): Promise<boolean> {
  const row = await tx
    .selectFrom('person_session as session')
    .innerJoin('person', 'person.id', 'session.person_id')
    .select('session.id')
    .where('person.login_key', '=', loginKey)
    .where('person.removed_at', 'is', null)
    .where('session.network', '=', network)
    .where('session.created_at', '>', sql<number>`${toRfc3339(nowMs - KEPT_MS)}::timestamptz`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export const NEWEST_FIRST: ListOrder = { columns: [{ ref: 'person_session.id', kind: 'uuid' }], descending: true };

/** One page of a person's sessions that live, and one row more. */
export async function listSessions(
  db: Kysely<Tables>,
  personId: string,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<PersonSession[]> {
  return db
    .selectFrom('person_session')
    .select(SHOWN)
    .where('person_id', '=', personId)
    .where('ended_at', 'is', null)
    .where('idle_ends_at', '>', sql<number>`clock_timestamp()`)
    .where(rowsAfter(NEWEST_FIRST, page.list, page.cursor))
    .orderBy(inOrder(NEWEST_FIRST))
    .limit(page.limit + 1)
    .execute();
}

function ending(tx: Transaction<Tables>, nowMs: number) {
  return tx
    .updateTable('person_session')
    .set({ ended_at: toRfc3339(nowMs) })
    .where('ended_at', 'is', null)
    .where('idle_ends_at', '>', sql<number>`${toRfc3339(nowMs)}::timestamptz`);
}
