/** What `GET /health/ready` said of the service. */
export type Verdict = { is: 'ready' } | { is: 'unready'; because: string } | { is: 'silent' };

const UNREADY = 'The service is not ready.';

/**
 * The server tries its database in different ways, and says of each how it ended: in an outage of half a minute `does not
 * answer`, `cannot be reached` and `cannot be reached (EAGAIN)` took turns. For who reads stock they are one and the same.
 */
const NOBODY_THERE = /^The database (?:does not answer|cannot be reached(?: \(\w+\))?)\.$/;
const NO_DATABASE = 'The database does not answer.';

/** A problem's `reasons`, one sentence each; what a proxy says in the server's place has none. */
export function verdictOf(status: number, body: unknown): Verdict {
  // A proxy says these for a server that is not there.
  if (status === 502 || status === 504) return { is: 'silent' };
  if (status === 503) return { is: 'unready', because: reasonsOf(body) };
  // Also where a proxy keeps this path to itself (401, 403, 404): nothing is known against the server.
  return { is: 'ready' };
}

function reasonsOf(body: unknown): string {
  const { reasons } = (body ?? {}) as { reasons?: unknown };
  if (!Array.isArray(reasons)) return UNREADY;
  const sentences = reasons.filter((reason) => typeof reason === 'string' && reason !== '');
  // An advice to programs: the dashboard does so by itself, and says so.
  const said = sentences.join(' ').replace(/ Try again shortly\.$/, '');
  if (NOBODY_THERE.test(said)) return NO_DATABASE;
  return said === '' ? UNREADY : said;
}

/** While all is well. The server takes three and a half seconds to notice a frozen database: a page knows in ten. */
const READY_PAUSE_MS = 6_000;
/** One miss may be a network that changes, or the one of many servers that is being replaced: it is asked twice. */
const CONFIRM_PAUSE_MS = 600;
const AWAY_PAUSE_MS = 1_500;
const AWAY_PAUSE_MAX_MS = 6_000;
const GROWTH = 1.5;

/** So many misses in a row are an outage, and are told. */
export const MISSES_TOLD = 2;

/**
 * How long to wait before it is asked again, after so many misses in a row. Tabs that all saw the same outage must not
 * come back at the same moment: `random`, of [0, 1), takes up to half of each pause away.
 */
export function pauseMs(misses: number, random: number): number {
  return longestPauseMs(misses) * (1 - random / 2);
}

function longestPauseMs(misses: number): number {
  if (misses === 0) return READY_PAUSE_MS;
  if (misses < MISSES_TOLD) return CONFIRM_PAUSE_MS;
  return Math.min(AWAY_PAUSE_MAX_MS, AWAY_PAUSE_MS * GROWTH ** (misses - MISSES_TOLD));
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** `14:03:12`; with its day where that was another one: a tab may have slept over night. */
export function formatAsOf(asOfMs: number, nowMs: number): string {
  const isToday = new Date(asOfMs).toDateString() === new Date(nowMs).toDateString();
  return (isToday ? time : dayAndTime).format(asOfMs);
}
