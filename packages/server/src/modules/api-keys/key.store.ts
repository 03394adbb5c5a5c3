import { isScope, type KeyStore } from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { anyoneExists } from '../people/index.ts';
import { findByHash, noteUse } from './api-key.sql.ts';

/** Where the authenticator finds keys: the table api_key. */
export function createKeyStore({ kysely }: Pick<Database, 'kysely'>): KeyStore {
  return {
    findByHash: async (hash) => {
      const row = await findByHash(kysely, hash);
      if (row === undefined || row.revoked_at !== null) return null;
      return { id: row.id, scopes: row.scopes.filter(isScope), expiresAtMs: row.expires_at };
    },
    anyExists: () => anyoneExists(kysely),
    touch: (id, whenMs) => noteUse(kysely, id, whenMs),
  };
}
