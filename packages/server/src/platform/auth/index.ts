export { CHOSEN_KEY, generateApiKey, hashApiKey, prefixOfKey, type NewApiKey } from './api.key.ts';
export { credentialsMissing, crossOriginRequest } from './auth.problems.ts';
export { Authenticator, tokenExpiryIn, type AuthOptions } from './authenticator.ts';
export { ANONYMOUS, OPEN, type Authenticate, type Caller, type CallerSession } from './caller.ts';
export { countOf } from './credentials.ts';
export type { KeyStore, StoredKey } from './key.store.ts';
export { isInTheClear, openModeRefusal } from './open.mode.ts';
export { assertOwnOrigin, assertOwnPage } from './own.origin.ts';
export { expandScopes, isScope, SCOPES, type Scope } from './scope.ts';
export {
  endedSessionCookies,
  generateSessionToken,
  readSessionToken,
  sessionCookie,
  SESSION_COOKIE,
} from './session.cookie.ts';
export type { SessionStore, StoredSession } from './session.store.ts';
export type { JwtConfig } from './token.verifier.ts';
