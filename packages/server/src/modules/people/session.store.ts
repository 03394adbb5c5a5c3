import { isScope, type SessionStore } from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { findLiveSession, touchSession } from './session.sql.ts';

/** Where the authenticator finds sessions: the table person_session. */
export function createSessionStore({ kysely }: Pick<Database, 'kysely'>): SessionStore {
  return {
    findByHash: async (hash) => {
      const row = await findLiveSession(kysely, hash);
      if (row === undefined) return null;
      const { id, person_id: personId, name, idle_ends_at: expiresAtMs } = row;
      return { id, personId, name, scopes: row.scopes.filter(isScope), expiresAtMs };
    },
    touch: (id) => touchSession(kysely, id),
  };
}
