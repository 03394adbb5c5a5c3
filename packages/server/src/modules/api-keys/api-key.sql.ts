import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { ApiKeyTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

export type ApiKey = Omit<Selectable<ApiKeyTable>, 'hash'>;

export interface NewKey {
  id: string;
  name: string;
  scopes: readonly string[];
  prefix: string;
  hash: Buffer;
  /** Milliseconds since the epoch. */
  expiresAt: number | null;
}

const SHOWN = ['id', 'name', 'scopes', 'prefix', 'expires_at', 'created_at', 'last_used_at', 'revoked_at'] as const;

/** Answers nothing where a key with this hash exists. */
export async function insertApiKey(tx: Transaction<Tables>, key: NewKey, nowMs: number): Promise<ApiKey | undefined> {
  return tx
    .insertInto('api_key')
    .values({
      id: key.id,
      name: key.name,
      scopes: [...key.scopes],
      prefix: key.prefix,
      hash: key.hash,
      expires_at: key.expiresAt === null ? null : toRfc3339(key.expiresAt),
      created_at: toRfc3339(nowMs),
    })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returning(SHOWN)
    .executeTakeFirst();
}

/** Revoked ones included. */
export async function findByHash(db: Kysely<Tables>, hash: Buffer): Promise<ApiKey | undefined> {
  return db.selectFrom('api_key').select(SHOWN).where('hash', '=', hash).executeTakeFirst();
}

export async function noteUse(db: Kysely<Tables>, id: string, whenMs: number): Promise<void> {
  const when = toRfc3339(whenMs);
  await db
    .updateTable('api_key')
    .set({ last_used_at: when })
    .where('id', '=', id)
    .where(sql<boolean>`coalesce(last_used_at < ${when}::timestamptz, true)`)
    .execute();
}

/** Answers nothing where there is no such key, or it was revoked before. */
export async function revokeApiKey(tx: Transaction<Tables>, id: string, nowMs: number): Promise<ApiKey | undefined> {
  return tx
    .updateTable('api_key')
    .set({ revoked_at: toRfc3339(nowMs) })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning(SHOWN)
    .executeTakeFirst();
}

/** Ids are UUIDv7 of the database's time: their order is the order in which keys were made. */
export function apiKeyOrder(descending: boolean): ListOrder {
  return { columns: [{ ref: 'api_key.id', kind: 'uuid' }], descending };
}

/** One page of keys that were not revoked, and one row more. */
export async function listApiKeys(
  db: Kysely<Tables>,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<ApiKey[]> {
  return db
    .selectFrom('api_key')
    .select(SHOWN)
    .where('revoked_at', 'is', null)
    .where(rowsAfter(order, page.list, page.cursor))
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

/** The database's clock, in milliseconds since the epoch. */
export async function readClock(tx: Transaction<Tables>): Promise<number> {
  const { rows } = await sql<{ now: number }>`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error('the database told no time');
  return row.now;
}

/** What the start of a server did, outside of the engine. A block of numbers is taken and its first one used. */
export async function journalAtStart(
  tx: Transaction<Tables>,
  entry: { kind: string; subject: string; data: object },
  nowMs: number,
): Promise<void> {
  await tx
    .insertInto('journal_entry')
    .values({
      id: sql<number>`nextval('entry_seq')`,
      at: toRfc3339(nowMs),
      kind: entry.kind,
      actor: 'system:start',
      request_id: null,
      subject: entry.subject,
      ledger_from: null,
      data: JSON.stringify(entry.data),
    })
    .execute();
}
