import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { cameFromElsewhere } from './open.mode.ts';

/**
 * `__Host-`: a browser takes it only with Secure, with Path=/ and without Domain, so that no other host can set it.
 * Chromium and Firefox keep it on http://localhost and http://127.0.0.1 too, which they take for trustworthy (tried with
 * Chromium 156).
 */
export const SESSION_COOKIE = '__Host-holdfast';
/** For the one place where that is not kept: Safari, on plain HTTP, on its own machine. Taken there only. */
const LOCAL_COOKIE = 'holdfast-local';

/** 256 bits in base64url. */
const TOKEN = /^[\w-]{43}$/;
/** A session may live so long; whether it still does is the server's to know. */
const SESSION_MAX_SECONDS = 14 * 86_400;

export function generateSessionToken(): string {
  return randomBytes(32).toString('base64url');
}

type Request = Pick<IncomingMessage, 'headers' | 'socket'>;

/** The token of the session that a request carries, or null. Of two cookies with one name, one is not ours: none counts. */
export function readSessionToken(request: Request): string | null {
  const { cookie } = request.headers;
  if (cookie === undefined) return null;
  const values = valuesOf(cookie, SESSION_COOKIE);
  const found = values.length === 0 && isLocal(request) ? valuesOf(cookie, LOCAL_COOKIE) : values;
  const [token] = found;
  return found.length === 1 && token !== undefined && TOKEN.test(token) ? token : null;
}

/** `Set-Cookie` for a new session. SameSite=Strict: the pages need no cookie, and all they ask comes from themselves. */
export function sessionCookie(request: Request, token: string): string {
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MAX_SECONDS}`;
  if (needsLocalCookie(request)) return `${LOCAL_COOKIE}=${token}; ${attributes}`;
  return `${SESSION_COOKIE}=${token}; Secure; ${attributes}`;
}

/** `Set-Cookie` for a session that has ended: whichever the browser has. */
export function endedSessionCookies(request: Request): string[] {
  const ended = 'Path=/; HttpOnly; SameSite=Strict; Max-Age=0';
  const secure = `${SESSION_COOKIE}=; Secure; ${ended}`;
  return isLocal(request) ? [secure, `${LOCAL_COOKIE}=; ${ended}`] : [secure];
}

/** WebKit alone: the browsers that pretend to be like it name themselves as well. */
function needsLocalCookie(request: Request): boolean {
  const agent = request.headers['user-agent'] ?? '';
  const isSafari = agent.includes('AppleWebKit/') && !/Chrom(?:e|ium)\//.test(agent);
  return isSafari && isLocal(request);
}

/** On its own machine, and so on plain HTTP: what ends TLS is a proxy. */
function isLocal(request: Request): boolean {
  return cameFromElsewhere(request) === null;
}

function valuesOf(cookies: string, name: string): string[] {
  const values: string[] = [];
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    values.push(pair.slice(equals + 1).trim());
  }
  return values;
}
