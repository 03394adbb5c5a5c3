import type { components } from '@holdfast/client';
import { isReadable, overridesText, parseOverrides } from './overrides.text.ts';
import { millisecondsOf, windowOf, type Algorithm, type RateLimit, type WindowUnit } from './rate-limit.words.ts';

type NewRateLimit = components['schemas']['NewRateLimit'];
type Method = NonNullable<RateLimit['match']['methods']>[number];

/** What the fields of the form hold: a number that is not typed yet is empty. */
export interface Draft {
  name: string;
  algorithm: Algorithm;
  limit: number | string;
  window: number | string;
  unit: WindowUnit;
  burst: number | string;
  subject: string;
  header: string;
  methods: string[];
  path: string;
  callers: string;
  from: string;
  tier: string;
  overrides: string;
  refunds: boolean;
  onStoreError: RateLimit['onStoreError'];
  activeFrom: string;
  activeTo: string;
  eventLoopDelayMs: number | string;
  inFlight: number | string;
  floorPercent: number | string;
  state: 'on' | 'shadow' | 'off';
}

/** A new rule begins in shadow: it refuses nobody before one has seen whom. */
const FRESH: Draft = {
  name: '',
  algorithm: 'token_bucket',
  limit: 100,
  window: 1,
  unit: 'min',
  burst: '',
  subject: 'api_key',
  header: '',
  methods: [],
  path: '',
  callers: '',
  from: '',
  tier: '',
  overrides: '',
  refunds: false,
  onStoreError: 'allow',
  activeFrom: '',
  activeTo: '',
  eventLoopDelayMs: '',
  inFlight: '',
  floorPercent: 25,
  state: 'shadow',
};

export function draftOf(rule: RateLimit | undefined): Draft {
  if (rule === undefined) return FRESH;
  const { value, unit } = windowOf(rule.windowMs);
  const isHeader = rule.subject.startsWith('header:');
  return {
    name: rule.name,
    algorithm: rule.algorithm,
    limit: rule.limit,
    window: value,
    unit,
    burst: rule.burst ?? '',
    subject: isHeader ? 'header' : rule.subject,
    header: isHeader ? rule.subject.slice('header:'.length) : '',
    methods: rule.match.methods ?? [],
    path: rule.match.path ?? '',
    callers: rule.match.callers ?? '',
    from: rule.match.from ?? '',
    tier: rule.tier ?? '',
    overrides: overridesText(rule.overrides),
    refunds: rule.refund === 'refused',
    onStoreError: rule.onStoreError,
    activeFrom: localTime(rule.schedule.from),
    activeTo: localTime(rule.schedule.to),
    eventLoopDelayMs: rule.adaptive?.eventLoopDelayMs ?? '',
    inFlight: rule.adaptive?.inFlight ?? '',
    floorPercent: Math.round((rule.adaptive?.floor ?? 0.25) * 100),
    state: rule.enabled ? (rule.mode === 'shadow' ? 'shadow' : 'on') : 'off',
  };
}

/** What is missing before it can be sent, in words; the server tells the rest. */
export function faultOf(draft: Draft): string | null {
  if (draft.name.trim() === '') return 'It needs a name.';
  if (numberOf(draft.limit) === null) return 'It needs a limit.';
  if (numberOf(draft.window) === null) return 'It needs a window.';
  if (draft.subject === 'header' && draft.header.trim() === '') return 'Which header?';
  const overrides = parseOverrides(draft.overrides);
  return isReadable(overrides) ? null : `Cannot read “${overrides.wrong}”: write customer-42 = 500.`;
}

/** The rule as it would be saved. Costs are of the API alone, and stay as they are. */
export function bodyOfDraft(draft: Draft): NewRateLimit & Pick<RateLimit, 'mode' | 'enabled' | 'onStoreError'> {
  const overrides = parseOverrides(draft.overrides);
  return {
    name: draft.name.trim(),
    algorithm: draft.algorithm,
    limit: numberOf(draft.limit) ?? 0,
    windowMs: millisecondsOf(numberOf(draft.window) ?? 0, draft.unit),
    burst: draft.algorithm === 'token_bucket' ? numberOf(draft.burst) : null,
    subject: draft.subject === 'header' ? `header:${draft.header.trim()}` : draft.subject,
    match: matchOf(draft),
    tier: draft.tier.trim() === '' ? null : draft.tier.trim(),
    overrides: isReadable(overrides) ? overrides : {},
    refund: draft.refunds ? 'refused' : 'never',
    onStoreError: draft.onStoreError,
    schedule: { from: instantOf(draft.activeFrom), to: instantOf(draft.activeTo) },
    adaptive: adaptiveOf(draft),
    mode: draft.state === 'shadow' ? 'shadow' : 'enforce',
    enabled: draft.state !== 'off',
  };
}

export function matchOf({ methods, path, callers, from }: Draft): RateLimit['match'] {
  return {
    methods: methods.length === 0 ? null : (methods as Method[]),
    path: path.trim() === '' ? null : path.trim(),
    callers: callers === '' ? null : (callers as 'authenticated' | 'anonymous'),
    from: from === '' ? null : (from as 'loopback' | 'elsewhere'),
  };
}

function adaptiveOf({ eventLoopDelayMs, inFlight, floorPercent }: Draft): RateLimit['adaptive'] {
  const [delay, requests] = [numberOf(eventLoopDelayMs), numberOf(inFlight)];
  if (delay === null && requests === null) return null;
  return { eventLoopDelayMs: delay, inFlight: requests, floor: (numberOf(floorPercent) ?? 25) / 100 };
}

function numberOf(value: number | string): number | null {
  if (value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** As a field for a local time shows it, to the minute. */
function localTime(at: string | null): string {
  if (at === null) return '';
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function instantOf(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}
