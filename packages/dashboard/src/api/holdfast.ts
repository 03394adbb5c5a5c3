import { createHoldfast, type Holdfast } from '@holdfast/client';
import { keyOfCommand, settle } from './command.keys.ts';
import { noteAnswer, noteRefusal, noteSilence } from './connection.store.ts';
import { readiness } from './readiness.ts';
import { hearDate } from './server.clock.ts';
import { currentKey, noteSignedOut, refusalStore, sessionStore } from './session.store.ts';

/** Says that a request comes from this page: no form or image of another site can send it. */
const OWN_HEADER = 'x-requested-with';

/**
 * Every request of the dashboard goes through here: it carries the key where one was typed (else the cookie of a session),
 * tells the connection bar what it saw, and shows the sign-in page where the server no longer knows us.
 */
export async function send(request: Request): Promise<Response> {
  const headers = new Headers(request.headers);
  const key = currentKey();
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  headers.set(OWN_HEADER, 'holdfast-dashboard');
  const sentMs = Date.now();
  const asWhom = sessionStore.get();
  try {
    const response = await fetch(new Request(request, { headers, credentials: 'same-origin' }));
    hearDate(response.headers.get('date'), sentMs, Date.now());
    hear(response.status);
    // An answer that was late says nothing of who has signed in since.
    if (response.status === 401 && asWhom.status === 'signedIn' && sessionStore.get() === asWhom) noteSignedOut();
    if (response.status === 403) refusalStore.set(refusalStore.get() + 1);
    return response;
  } catch (error) {
    if (!request.signal.aborted) hearNothing();
    throw error;
  }
}

/** What every answer says of the service, beside what was asked. */
function hear(status: number): void {
  // A proxy says these for a server that is not there.
  if (status === 502 || status === 504) return hearNothing();
  if (status === 503) {
    noteRefusal();
    return readiness.heardRefusal();
  }
  noteAnswer();
  readiness.heardAnswer();
}

function hearNothing(): void {
  noteSilence();
  readiness.heardNothing();
}

/** The server, typed from its OpenAPI document. A refusal throws HoldfastError. */
export const holdfast: Holdfast = createHoldfast({ baseUrl: location.origin, fetch: send, retries: 2 });

const KEY = 'idempotency-key';

holdfast.use({
  onRequest: async ({ request }) => {
    if (request.method === 'GET' || request.headers.has(KEY)) return request;
    request.headers.set(KEY, keyOfCommand(`${request.method} ${request.url}\n${await request.clone().text()}`));
    return request;
  },
  onResponse: ({ request, response }) => {
    // What a server or a proxy says of itself leaves open what has become of the command.
    if (response.status < 500) settle(request.headers.get(KEY));
  },
});
