import { HoldfastError, type Problem } from '@holdfast/client';
import { send } from './holdfast.ts';
import { keepKey, sessionStore, type Session } from './session.store.ts';

const SESSION = '/api/v1/session';
const PEOPLE = '/api/v1/people';

/** Asks who we are, and shows the sign-in page where the answer is nobody. */
export async function loadSession(): Promise<void> {
  const session = await askSession();
  const isIn = session !== null && session.authenticated;
  sessionStore.set(isIn ? { status: 'signedIn', session } : { status: 'signedOut', reason: null });
}

async function askSession(): Promise<Session | null> {
  const response = await send(new Request(new URL(SESSION, location.origin)));
  if (response.status === 401) return null;
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as Session;
}

/** @throws HoldfastError where the key opens nothing */
export async function signInWithKey(key: string): Promise<void> {
  keepKey(key.trim());
  try {
    const session = await askSession();
    if (session?.authenticated !== true) throw new HoldfastError(401, null, null);
    sessionStore.set({ status: 'signedIn', session });
  } catch (error) {
    keepKey(null);
    throw error;
  }
}

/** @throws HoldfastError where login and password do not belong together */
export async function signInAsPerson(login: string, password: string): Promise<void> {
  keepKey(null);
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ login, password });
  const response = await send(new Request(new URL(SESSION, location.origin), { method: 'POST', headers, body }));
  if (!response.ok) throw await errorOf(response);
  await loadSession();
}

export interface NewAdmin {
  name: string;
  login: string;
  password: string;
}

/** Ends the open server: from now on everybody signs in, we at once. @throws HoldfastError */
export async function createFirstAdmin({ name, login, password }: NewAdmin): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ name, login, password, scopes: ['admin'] });
  const response = await send(new Request(new URL(PEOPLE, location.origin), { method: 'POST', headers, body }));
  if (!response.ok) throw await errorOf(response);
  await signInAsPerson(login, password);
}

export async function signOut(): Promise<void> {
  keepKey(null);
  await send(new Request(new URL(SESSION, location.origin), { method: 'DELETE' })).catch(() => undefined);
  sessionStore.set({ status: 'signedOut', reason: null });
}

async function errorOf(response: Response): Promise<HoldfastError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem = isProblem ? ((await response.json()) as Problem) : null;
  return new HoldfastError(response.status, problem, response.headers.get('x-request-id'));
}
