export { ANONYMOUS, OPEN, type Authenticate, type Caller } from './caller.ts';
export { expandScopes, isScope, SCOPES, type Scope } from './scope.ts';
