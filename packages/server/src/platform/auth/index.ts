export { CHOSEN_KEY, generateApiKey, hashApiKey, prefixOfKey, type NewApiKey } from './api.key.ts';
export { Authenticator, type AuthOptions } from './authenticator.ts';
export { ANONYMOUS, OPEN, type Authenticate, type Caller } from './caller.ts';
export type { KeyStore, StoredKey } from './key.store.ts';
export { openModeRefusal } from './open.mode.ts';
export { expandScopes, isScope, SCOPES, type Scope } from './scope.ts';
export type { JwtConfig } from './token.verifier.ts';
