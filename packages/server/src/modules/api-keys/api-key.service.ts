import type { Engine } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import {
  CHOSEN_KEY,
  generateApiKey,
  hashApiKey,
  isScope,
  prefixOfKey,
  type Authenticator,
} from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { parseTimestamp } from '../../platform/http/index.ts';
import { refuseLastAdmin, refuseOpenCallerWhenClosed } from '../people/index.ts';
import { apiKeyProblems } from './api-key.problems.ts';
import { refuseLockingOut, refusePastExpiry } from './api-key.rules.ts';
import type { ApiKeyQuery, ApiKeyView, NewApiKeyBody } from './api-key.schema.ts';
import {
  apiKeyOrder,
  findByHash,
  insertApiKey,
  journalAtStart,
  listApiKeys,
  readClock,
  revokeApiKey,
  type ApiKey,
} from './api-key.sql.ts';

/** What hears of keys that were made and revoked: this process then knows at once, the others within a second. */
export type KeyListener = Pick<Authenticator, 'keyCreated' | 'keyChanged'>;

interface ApiKeyDeps {
  engine: Engine;
  keys: KeyListener;
}

const LAST = {
  kind: apiKeyProblems.lastAdminKey,
  detail:
    'Without it nobody could administer this server. Make another key with the scope admin, then revoke this one.',
};

/** @throws Problem `first_key_needs_admin`, `validation_failed` */
export async function createApiKey(
  { engine, keys }: ApiKeyDeps,
  body: NewApiKeyBody,
  meta: CommandMeta,
): Promise<Answer> {
  refuseLockingOut(body.scopes, meta.actor);
  const expiresAt = parseTimestamp(body.expiresAt ?? '');
  const answer = await engine.transact(meta, async (tx, now) => {
    refusePastExpiry(expiresAt, now);
    await refuseOpenCallerWhenClosed(tx, meta.actor);
    const { key, prefix, hash } = generateApiKey();
    const { name, scopes } = body;
    const row = await insertApiKey(tx, { id: newId(now), name, scopes, prefix, hash, expiresAt }, now);
    if (row === undefined) throw new Error('two keys of 256 random bits are the same');
    const view = apiKeyView(row);
    return {
      status: 201,
      body: { ...view, key },
      secret: ['key'],
      headers: { location: `/api/v1/api-keys/${view.id}` },
      journal: [{ kind: 'api_key.created', subject: view.id, data: view }],
    };
  });
  keys.keyCreated();
  return answer;
}

/** @throws Problem `api_key_not_found`, `last_admin_key` */
export async function removeApiKey({ engine, keys }: ApiKeyDeps, id: string, meta: CommandMeta): Promise<Answer> {
  try {
    return await engine.transact(meta, async (tx, now) => {
      await refuseLastAdmin(tx, `key:${id}`, { by: meta.actor, nowMs: now, refusal: LAST });
      const row = await revokeApiKey(tx, id, now);
      if (row === undefined) throw new Problem(apiKeyProblems.apiKeyNotFound, `No key in use has the id ${id}.`);
      return {
        status: 204,
        body: null,
        journal: [{ kind: 'api_key.revoked', subject: id, data: apiKeyView(row) }],
      };
    });
  } finally {
    // Also when nobody knows whether it was committed.
    keys.keyChanged(id);
  }
}

/** @throws Problem `invalid_cursor` */
export async function pageOfApiKeys(database: Database, query: ApiKeyQuery): Promise<Page<ApiKeyView>> {
  const { limit, cursor, sort = '-createdAt' } = query;
  const list = { route: 'api-keys', sort };
  const rows = await listApiKeys(database.kysely, apiKeyOrder(sort === '-createdAt'), { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], apiKeyView);
}

/** `unusable`: it was revoked, or it is a key without admin. An operator must hear of that; a start must not undo it. */
export type AdminKeyState = 'created' | 'present' | 'unusable';

/** Sees to it that the operator's own admin key, given by environment, is one. Any number of instances may do so at once. */
export async function ensureAdminKey({ kysely }: Pick<Database, 'kysely'>, key: string): Promise<AdminKeyState> {
  if (!CHOSEN_KEY.test(key)) throw new Error('The admin key must be 16 to 256 visible ASCII characters.');
  const hash = hashApiKey(key);
  return kysely.transaction().execute(async (tx) => {
    const now = await readClock(tx);
    const made = await insertApiKey(
      tx,
      {
        id: newId(now),
        name: 'HOLDFAST_ADMIN_KEY',
        scopes: ['admin'],
        prefix: prefixOfKey(key),
        hash,
        expiresAt: null,
      },
      now,
    );
    if (made !== undefined) {
      await journalAtStart(tx, { kind: 'api_key.created', subject: made.id, data: apiKeyView(made) }, now);
      return 'created';
    }
    const known = await findByHash(tx, hash);
    return known?.revoked_at === null && known.scopes.includes('admin') ? 'present' : 'unusable';
  });
}

function apiKeyView(row: ApiKey): ApiKeyView {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes.filter(isScope),
    prefix: row.prefix,
    expiresAt: row.expires_at === null ? null : toRfc3339(row.expires_at),
    createdAt: toRfc3339(row.created_at),
    lastUsedAt: row.last_used_at === null ? null : toRfc3339(row.last_used_at),
  };
}
