import { createStore } from '../app/store.ts';

export type Scope = 'read' | 'reserve' | 'stock' | 'ingest' | 'notify' | 'files' | 'limit' | 'admin';

/** Who the server takes us for: `GET /api/v1/session`. */
export interface Session {
  authenticated: boolean;
  /** `open`: there is no key yet, and everybody on this machine is admin. Null: not let in at all. */
  mode: 'open' | 'key' | 'token' | 'person' | null;
  name: string | null;
  personId: string | null;
  scopes: Scope[];
  /** Nobody can sign in yet: the first run offers to create an admin. */
  needsAdmin: boolean;
}

export type SessionState =
  | { status: 'loading' }
  /** `session`: of who was here until it ended by itself. Their page waits for them, with what they had typed. */
  | { status: 'signedOut'; session: Session | null }
  | { status: 'signedIn'; session: Session };

export const sessionStore = createStore<SessionState>({ status: 'loading' });

/** Who is here, or was until the session ended. */
export function sessionOf(state: SessionState): Session | null {
  return state.status === 'loading' ? null : state.session;
}

/** What is the same for as long as the same one is here. */
export function identityOf({ mode, personId, name }: Session): string {
  return JSON.stringify([mode, personId ?? name]);
}

/** The server no longer knows us: whoever was here may sign in again, and go on. */
export function noteSignedOut(): void {
  const state = sessionStore.get();
  if (state.status !== 'signedOut') sessionStore.set({ status: 'signedOut', session: sessionOf(state) });
}

/** How often the server said that we may not do something: perhaps we may less than is known here. */
export const refusalStore = createStore(0);

const KEY = 'holdfast.key';

/** A key that was typed at sign-in: kept while the tab lives, and nowhere else. */
let apiKey: string | null = readKey();

function readKey(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function currentKey(): string | null {
  return apiKey;
}

export function keepKey(key: string | null): void {
  apiKey = key;
  try {
    if (key === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // Without storage it lives as long as the page does.
  }
}

/** Whether a caller with these scopes may use what needs `scope`: `reserve` and `stock` have `read` in them. */
export function mayUse(scopes: readonly Scope[], scope: Scope): boolean {
  if (scopes.includes('admin') || scopes.includes(scope)) return true;
  return scope === 'read' && (scopes.includes('reserve') || scopes.includes('stock'));
}
