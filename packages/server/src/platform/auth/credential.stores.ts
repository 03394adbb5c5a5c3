import type { CredentialStore } from './credential.cache.ts';
import type { KeyStore } from './key.store.ts';
import { expandScopes } from './scope.ts';
import type { SessionStore } from './session.store.ts';

export function keysAsCredentials(store: KeyStore): CredentialStore {
  return {
    noun: 'an API key',
    find: async (hash) => {
      const stored = await store.findByHash(hash);
      if (stored === null) return null;
      const { id, scopes, expiresAtMs } = stored;
      const actor = `key:${id}`;
      return { id, expiresAtMs, caller: { actor, owner: actor, scopes: expandScopes(scopes) } };
    },
    touch: (id, whenMs) => store.touch(id, whenMs),
  };
}

export function sessionsAsCredentials(store: SessionStore): CredentialStore {
  return {
    noun: 'a session',
    find: async (hash) => {
      const stored = await store.findByHash(hash);
      if (stored === null) return null;
      const { id, personId, name, scopes, expiresAtMs } = stored;
      const actor = `user:${personId}`;
      const session = { id, personId, name, expiresAtMs };
      return { id, expiresAtMs, caller: { actor, owner: actor, scopes: expandScopes(scopes), session } };
    },
    touch: (id) => store.touch(id),
  };
}
