import type { IncomingMessage } from 'node:http';
import { crossOrigin } from './auth.problems.ts';

type Request = Pick<IncomingMessage, 'headers' | 'method'>;

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A browser adds the cookie to whatever is sent to this server, by whichever page. So with a cookie
 *
 * 1. a request must not come from a page of another origin: `Sec-Fetch-Site` says so in every browser of today, on HTTPS
 *    and loopback; where it is missing, `Origin` must be this host's. This counts for reading too: a WebSocket and an
 *    image need no leave from CORS, and pages on other ports of one machine are the same site.
 * 2. a request that changes something must be one that no form can send: JSON, or with a header of our own. A page of
 *    another origin must ask leave for either beforehand, and gets none with cookies.
 *
 * @throws Problem `cross_origin_request`
 */
export function assertOwnPage(request: Request): void {
  assertOwnOrigin(request);
  if (SAFE_METHODS.has(request.method ?? '') || isBeyondForms(request)) return;
  throw crossOrigin(
    'With the cookie of a session, send what changes something as application/json, or with the header X-Requested-With.',
  );
}

/** The first of the two: for signing in, where there is no cookie yet, and a page could sign its visitor in as another. */
export function assertOwnOrigin({ headers }: Request): void {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  if (site !== undefined) throw crossOrigin('This request comes from a page of another origin (Sec-Fetch-Site).');
  const { origin, host } = headers;
  if (origin === undefined || isOriginOf(origin, host ?? '')) return;
  throw crossOrigin("This request comes from a page of another origin: Origin is not this server's Host.");
}

function isBeyondForms({ headers }: Request): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === 'application/json' || headers['x-requested-with'] !== undefined;
}

/** The host and its port; the scheme is not compared, since behind a proxy that ends TLS we do not know ours. */
function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  // Read as a URL of that scheme, so that a default port counts as none.
  const own = `${protocol}//${host}`;
  return (protocol === 'https:' || protocol === 'http:') && URL.canParse(own) && new URL(own).host === originHost;
}
