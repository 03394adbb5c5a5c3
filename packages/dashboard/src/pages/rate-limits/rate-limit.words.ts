import type { Answer, Item } from '../../api/queries.ts';

export type RateLimit = Item<'/api/v1/rate-limits'>;
export type RuleStats = Answer<'/api/v1/rate-limits/stats'>['rules'][number];
export type Algorithm = RateLimit['algorithm'];

export interface AlgorithmWords {
  name: string;
  /** What it is for, and what to know of it. */
  about: string;
}

export const ALGORITHMS: Record<Algorithm, AlgorithmWords> = {
  token_bucket: {
    name: 'Token bucket',
    about:
      'Refills evenly, and holds what was not used, up to the burst. For programs that come in bursts: the usual choice.',
  },
  sliding_window: {
    name: 'Sliding window',
    about:
      'Looks back one window from each request: never more than the limit in any window. Exact up to 100 units; above that it weighs two windows.',
  },
  fixed_window: {
    name: 'Fixed window',
    about:
      'Begins anew at each whole window, such as each full minute. Easy to explain, but twice the limit can pass around its end.',
  },
};

const SUBJECTS: Record<string, string> = {
  api_key: 'each API key',
  user: 'each person',
  ip: 'each address',
  global: 'all together',
};

export function subjectWords(subject: string): string {
  return SUBJECTS[subject] ?? `each ${subject.replace(/^header:/, '')} (header)`;
}

const UNITS = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

export type WindowUnit = 'ms' | (typeof UNITS)[number][0];

/** 90,000 ms are 90 s, and 60,000 are 1 min: the largest unit that it is a whole number of. */
export function windowOf(windowMs: number): { value: number; unit: WindowUnit } {
  const unit = UNITS.find(([, ms]) => windowMs % ms === 0);
  return unit === undefined ? { value: windowMs, unit: 'ms' } : { value: windowMs / unit[1], unit: unit[0] };
}

export function millisecondsOf(value: number, unit: WindowUnit): number {
  return Math.round(value * (UNITS.find(([name]) => name === unit)?.[1] ?? 1));
}

export function windowWords(windowMs: number): string {
  const { value, unit } = windowOf(windowMs);
  return value === 1 ? unit : `${value.toLocaleString()} ${unit}`;
}

/** `100 per min, 200 at once`. */
export function limitWords({ limit, windowMs, burst }: Pick<RateLimit, 'limit' | 'windowMs' | 'burst'>): string {
  const rate = `${limit.toLocaleString()} per ${windowWords(windowMs)}`;
  return burst === null ? rate : `${rate}, ${burst.toLocaleString()} at once`;
}

/** Which requests are counted: `POST /api/v1/reservations, from elsewhere`. */
export function matchWords({ match }: Pick<RateLimit, 'match'>): string {
  const { methods, path, callers, from } = match;
  const request = [methods?.join(', '), path].filter((part) => part != null).join(' ');
  const who = [
    callers === 'anonymous' ? 'without credentials' : callers === 'authenticated' ? 'with credentials' : null,
    from === 'loopback' ? 'from this machine' : from === 'elsewhere' ? 'from elsewhere' : null,
  ].filter((part) => part !== null);
  return [request === '' ? 'every request' : request, ...who].join(', ');
}

export type RuleState = 'on' | 'shadow' | 'off' | 'waiting' | 'over';

export const STATE_WORDS: Record<RuleState, string> = {
  on: 'On',
  shadow: 'Shadow',
  off: 'Off',
  waiting: 'Not yet',
  over: 'Over',
};

/** What a rule does now: its schedule counts only while it is enabled. */
export function stateOf(
  { enabled, mode, schedule }: Pick<RateLimit, 'enabled' | 'mode' | 'schedule'>,
  nowMs: number,
): RuleState {
  if (!enabled) return 'off';
  if (schedule.from !== null && nowMs < Date.parse(schedule.from)) return 'waiting';
  if (schedule.to !== null && nowMs >= Date.parse(schedule.to)) return 'over';
  return mode === 'shadow' ? 'shadow' : 'on';
}

type Drafted = Pick<
  RateLimit,
  'algorithm' | 'limit' | 'windowMs' | 'burst' | 'subject' | 'match' | 'mode' | 'enabled' | 'onStoreError'
>;

/** A page of ours asks for about this much in a minute. */
const OWN_REQUESTS_A_MINUTE = 60;

/** What may surprise whoever saves this, in the order of how much it would. */
export function warningsOf(draft: Drafted, before: Drafted | null): string[] {
  const { algorithm, limit, windowMs, subject, match, onStoreError } = draft;
  const refuses = draft.enabled && draft.mode === 'enforce';
  const refusedBefore = before !== null && before.enabled && before.mode === 'enforce';
  const warnings: string[] = [];
  if (refuses && countsUs(match) && (limit * 60_000) / windowMs < OWN_REQUESTS_A_MINUTE) {
    warnings.push('It counts this dashboard as well, and so few may shut you out of it.');
  }
  if (refuses && subject === 'global') {
    warnings.push('All share it: one that asks too much is in the way of all others.');
  }
  if (refuses && !refusedBefore) {
    warnings.push('It refuses as soon as it is saved. In shadow it shows first whom it would have refused.');
  }
  if (before !== null && (before.algorithm !== algorithm || before.windowMs !== windowMs)) {
    warnings.push('Another algorithm or window: its counters begin anew.');
  }
  if (subject === 'ip') warnings.push('Those behind one address, such as an office, share it.');
  if (algorithm === 'fixed_window') {
    warnings.push(`Up to ${(2 * limit).toLocaleString()} can pass around the end of a window.`);
  }
  if (onStoreError === 'deny') warnings.push('While Redis is away, all that it counts is refused.');
  return warnings;
}

/** Whether the requests of this page may be among what it counts. */
function countsUs({ methods, path, callers }: RateLimit['match']): boolean {
  const isOurPath = path === null || path === '/**' || /^\/api(\/v1)?\/\*\*$/i.test(path);
  return isOurPath && callers !== 'anonymous' && (methods === null || methods.includes('GET'));
}
