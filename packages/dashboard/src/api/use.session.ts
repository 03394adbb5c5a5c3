import { useStore } from '../app/store.ts';
import { mayUse, sessionOf, sessionStore, type Scope, type Session } from './session.store.ts';

export function useSession(): Session | null {
  return sessionOf(useStore(sessionStore));
}

/** Whether to show what needs this scope. The server decides; this only hides what it would refuse. */
export function useMay(scope: Scope): boolean {
  const session = useSession();
  return session !== null && mayUse(session.scopes, scope);
}
