import { notifications } from '@mantine/notifications';
import { HoldfastError, type Problem } from '@holdfast/client';
import { send } from './holdfast.ts';
import { queryClient } from './queries.ts';
import {
  currentKey,
  identityOf,
  keepKey,
  noteSignedOut,
  refusalStore,
  sessionOf,
  sessionStore,
  type Session,
} from './session.store.ts';

const SESSION = '/api/v1/session';
const PEOPLE = '/api/v1/people';
const CHANNEL = 'holdfast.session';

/** Asks who we are, and shows the sign-in page where the answer is nobody. */
export async function loadSession(): Promise<void> {
  await askSession((session) => {
    if (session?.authenticated === true) enter(session);
    else noteSignedOut();
  });
}

/** Whoever it is goes on where they were; somebody else begins anew, and sees nothing of it. */
function enter(session: Session): void {
  const before = sessionOf(sessionStore.get());
  if (before !== null && identityOf(before) !== identityOf(session)) forgetAll();
  sessionStore.set({ status: 'signedIn', session });
  if (before !== null) void queryClient.invalidateQueries();
}

/** Nothing is left of what was shown and said, nor of what could be taken back. */
export function forgetAll(): void {
  queryClient.clear();
  notifications.clean();
}

/** How often it was asked, or said, who is here: an answer from before the last time may be of somebody else. */
let asks = 0;

async function askSession(take: (session: Session | null) => void): Promise<void> {
  asks += 1;
  const own = asks;
  const response = await ask(SESSION);
  if (!response.ok && response.status !== 401) throw await errorOf(response);
  const session = response.ok ? ((await response.json()) as Session) : null;
  if (own === asks) take(session);
}

/** @throws HoldfastError where the key opens nothing */
export async function signInWithKey(key: string): Promise<void> {
  keepKey(key.trim());
  try {
    await askSession((session) => {
      if (session?.authenticated !== true) throw new HoldfastError(401, null, null);
      enter(session);
    });
  } catch (error) {
    keepKey(null);
    throw error;
  }
}

/** @throws HoldfastError where login and password do not belong together */
export async function signInAsPerson(login: string, password: string): Promise<void> {
  keepKey(null);
  const response = await ask(SESSION, 'POST', { login, password });
  if (!response.ok) throw await errorOf(response);
  await loadSession();
  tellOtherTabs();
}

export interface NewAdmin {
  name: string;
  login: string;
  password: string;
}

/** Ends the open server: from now on everybody signs in, we at once. @throws HoldfastError */
export async function createFirstAdmin({ name, login, password }: NewAdmin): Promise<void> {
  const response = await ask(PEOPLE, 'POST', { name, login, password, scopes: ['admin'] });
  if (!response.ok) throw await errorOf(response);
  await signInAsPerson(login, password);
}

/** @throws HoldfastError where the server could not end the session: whoever comes next would still be signed in */
export async function signOut(): Promise<void> {
  if (currentKey() === null) {
    const response = await ask(SESSION, 'DELETE');
    if (!response.ok && response.status !== 401) throw await errorOf(response);
  }
  asks += 1;
  keepKey(null);
  sessionStore.set({ status: 'signedOut', session: null });
  tellOtherTabs();
}

/** All tabs of a browser have one cookie: where another one signs in or out, so does this. Gives the way to stop. */
export function watchOtherTabs(): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener('message', () => {
    // What cannot be asked now is seen with the next request.
    if (currentKey() === null) loadSession().catch(() => undefined);
  });
  return () => channel.close();
}

/**
 * An admin may change what we may do while we are here: it is asked for again where something is refused, and when the tab
 * is looked at again. Gives the way to stop.
 */
export function watchScopes(): () => void {
  document.addEventListener('visibilitychange', tryToRenew);
  const stop = refusalStore.subscribe(tryToRenew);
  return () => {
    document.removeEventListener('visibilitychange', tryToRenew);
    stop();
  };
}

function tryToRenew(): void {
  // What cannot be asked now is asked with the next refusal.
  renewSession().catch(() => undefined);
}

async function renewSession(): Promise<void> {
  const { status } = sessionStore.get();
  if (document.hidden || status !== 'signedIn') return;
  await askSession((session) => {
    const state = sessionStore.get();
    if (session?.authenticated !== true || state.status !== 'signedIn') return;
    if (JSON.stringify(session) !== JSON.stringify(state.session)) enter(session);
  });
}

function tellOtherTabs(): void {
  const channel = new BroadcastChannel(CHANNEL);
  // It has no target: only tabs of this origin hear it.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  channel.postMessage('changed');
  channel.close();
}

/** @throws HoldfastError where nobody answers */
async function ask(path: string, method = 'GET', body?: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
  try {
    return await send(new Request(new URL(path, location.origin), init));
  } catch (cause) {
    throw new HoldfastError(0, null, null, { cause });
  }
}

async function errorOf(response: Response): Promise<HoldfastError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem = isProblem ? ((await response.json()) as Problem) : null;
  return new HoldfastError(response.status, problem, response.headers.get('x-request-id'));
}
