import { isIPv4 } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { openOnlyHere } from './auth.problems.ts';

type Request = Pick<IncomingMessage, 'headers' | 'socket'> & Partial<Pick<IncomingMessage, 'httpVersion'>>;

/** Beside `X-Forwarded-*`. */
const PROXY_HEADERS = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cdn-loop',
]);

/**
 * Until a first key or person exists anybody who reaches the server is its admin. So it must be reached from its own machine, by a
 * name of that machine (a page elsewhere can have its own name resolve to 127.0.0.1), and not through a proxy, behind
 * which everybody comes from loopback.
 *
 * @throws Problem `forbidden`
 */
export function assertFromThisMachine(request: Request): void {
  const reason = cameFromElsewhere(request);
  if (reason !== null) throw openOnlyHere(reason);
}

/** Why a request may not be this machine's own, or null. */
export function cameFromElsewhere({ headers, socket, httpVersion }: Request): string | null {
  if (!isLoopbackAddress(socket.remoteAddress)) return 'This request comes from another machine.';
  const proxy = Object.keys(headers).find(isProxyHeader);
  if (proxy !== undefined) return `This request came through a proxy (${proxy}).`;
  // nginx with nothing but a proxy_pass says no more of itself than this: Host is what it was told to pass to.
  if (httpVersion === '1.0') return 'This request speaks HTTP/1.0, as a proxy does.';
  if (!isLoopbackName(hostNameOf(headers.host))) return 'Host is not a loopback name.';
  const { origin } = headers;
  if (origin !== undefined && !isLoopbackName(originNameOf(origin))) return 'Origin is not a loopback name.';
  return null;
}

/** Whether a page of this origin was loaded in the clear from another machine: what is typed there can be read on the way. */
export function isInTheClear(origin: string | undefined): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && !isLoopbackName(hostname);
}

/** Why a server without keys may not listen there, or null. */
export function openModeRefusal(host: string): string | null {
  if (isLoopbackName(host.includes(':') ? `[${host}]` : host)) return null;
  return (
    `HOST is ${host}, which other machines can reach, and there is no API key or person yet: anybody would be admin. ` +
    'Set HOLDFAST_ADMIN_KEY, or make a key or a person on 127.0.0.1 first.'
  );
}

function isProxyHeader(name: string): boolean {
  return PROXY_HEADERS.has(name) || name.startsWith('x-forwarded-');
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  const v4 = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return address === '::1' || v4.startsWith('127.');
}

function isLoopbackName(name: string | null): boolean {
  if (name === null) return false;
  const lower = name.toLowerCase();
  if (lower === 'localhost' || lower.endsWith('.localhost') || lower === '[::1]') return true;
  return isIPv4(lower) && lower.startsWith('127.');
}

function hostNameOf(host: string | undefined): string | null {
  return /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1] ?? null;
}

function originNameOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).hostname : null;
}
