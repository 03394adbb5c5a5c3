import { useStore } from '../app/store.ts';
import { mayUse, sessionStore, type Scope, type Session } from './session.store.ts';

export function useSession(): Session | null {
  const state = useStore(sessionStore);
  return state.status === 'signedIn' ? state.session : null;
}

/** Whether to show what needs this scope. The server decides; this only hides what it would refuse. */
export function useMay(scope: Scope): boolean {
  const session = useSession();
  return session !== null && mayUse(session.scopes, scope);
}
