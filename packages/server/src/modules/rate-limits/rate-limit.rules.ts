import { validationFailed, type FieldError } from '../../kernel/problem.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import {
  globFault,
  KIND,
  kindOf,
  UNITS_TIMES_WINDOW_MAX,
  type Algorithm,
  type Kind,
  type StoreErrorPolicy,
} from '../../platform/limiter/index.ts';
import { parseTimestamp } from '../../platform/http/index.ts';
import type { NewRateLimitBody, RateLimitPatchBody } from './rate-limit.schema.ts';
import { normalSubject } from './subject.rules.ts';

export interface RuleMatch {
  methods: string[] | null;
  path: string | null;
  callers: 'authenticated' | 'anonymous' | null;
  from: 'loopback' | 'elsewhere' | null;
}

export interface RuleCost {
  methods: string[] | null;
  path: string | null;
  cost: number;
}

export interface RuleAdaptive {
  eventLoopDelayMs: number | null;
  inFlight: number | null;
  floor: number;
}

/** What a caller may set of a rule, every member given. Times are milliseconds since the epoch. */
export interface RuleFields {
  name: string;
  algorithm: Algorithm;
  limit: number;
  windowMs: number;
  burst: number | null;
  subject: string;
  match: RuleMatch;
  tier: string | null;
  overrides: Record<string, { limit: number; burst: number | null }>;
  costs: RuleCost[];
  refund: 'never' | 'refused';
  adaptive: RuleAdaptive | null;
  activeFrom: number | null;
  activeTo: number | null;
  onStoreError: StoreErrorPolicy;
  mode: 'enforce' | 'shadow';
  enabled: boolean;
}

const FLOOR_DEFAULT = 0.25;
/** What a rule may not count by: these carry secrets, and counters, statistics and logs show their subjects. */
const SECRET_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);
/** Whoever sends it can write what it likes. */
const FORGED_HEADERS = new Set(['forwarded', 'x-forwarded-for', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip']);

/** @throws Problem `validation_failed` */
export function fieldsOfNew(body: NewRateLimitBody): RuleFields {
  const base: RuleFields = {
    name: body.name,
    algorithm: body.algorithm,
    limit: body.limit,
    windowMs: body.windowMs,
    burst: null,
    subject: body.subject,
    match: { methods: null, path: null, callers: null, from: null },
    tier: null,
    overrides: {},
    costs: [],
    refund: 'never',
    adaptive: null,
    activeFrom: null,
    activeTo: null,
    onStoreError: 'allow',
    mode: 'enforce',
    enabled: true,
  };
  return fieldsAfterPatch(base, body);
}

/** @throws Problem `validation_failed` */
export function fieldsAfterPatch(before: RuleFields, patch: RateLimitPatchBody): RuleFields {
  const { match, overrides, costs, adaptive, schedule, ...plain } = patch;
  const fields: RuleFields = {
    ...before,
    ...plain,
    ...(match !== undefined && { match: { methods: null, path: null, callers: null, from: null, ...match } }),
    ...(costs !== undefined && { costs: (costs ?? []).map((one) => ({ methods: null, path: null, ...one })) }),
    ...(adaptive !== undefined && { adaptive: adaptiveOf(adaptive) }),
    ...(schedule !== undefined && {
      activeFrom: parseTimestamp(schedule?.from ?? ''),
      activeTo: parseTimestamp(schedule?.to ?? ''),
    }),
  };
  fields.subject = normalKind(fields.subject);
  const named = overrides === undefined ? before.overrides : (overrides ?? {});
  // Those that stay, too: what a subject is called follows from what the rule counts by.
  fields.overrides = overridesOf(fields.subject, named);
  const faults = [...sameSubjectFaults(fields.subject, Object.keys(named)), ...faultsOf(fields)];
  if (faults.length > 0) throw validationFailed(faults);
  return fields;
}

function overridesOf(kind: string, overrides: NonNullable<RateLimitPatchBody['overrides']>): RuleFields['overrides'] {
  return Object.fromEntries(
    Object.entries(overrides).map(([subject, { limit, burst = null }]) => [
      normalSubject(kind, subject),
      { limit, burst },
    ]),
  );
}

/** Of two numbers for one subject only one could hold. */
function sameSubjectFaults(kind: string, names: readonly string[]): FieldError[] {
  const firstOf = new Map<string, string>();
  return names.flatMap((name) => {
    const subject = normalSubject(kind, name);
    const first = firstOf.get(subject);
    if (first === undefined) firstOf.set(subject, name);
    return first === undefined
      ? []
      : [{ path: `/overrides/${pointerPart(name)}`, message: `is counted as the same subject as “${first}”` }];
  });
}

function adaptiveOf(body: RateLimitPatchBody['adaptive']): RuleAdaptive | null {
  return body == null ? null : { eventLoopDelayMs: null, inFlight: null, floor: FLOOR_DEFAULT, ...body };
}

/** Header names have no case. */
function normalKind(subject: string): string {
  return subject.startsWith('header:') ? subject.toLowerCase() : subject;
}

/** What the fields say together, or what a schema cannot say. */
function faultsOf(fields: RuleFields): FieldError[] {
  return [
    ...subjectFaults(fields.subject),
    ...pathFaults('/match/path', fields.match.path),
    ...fields.costs.flatMap(({ path }, index) => pathFaults(`/costs/${index}/path`, path)),
    ...numberFaults('', fields, fields.limit, fields.burst),
    ...Object.entries(fields.overrides).flatMap(([subject, { limit, burst }]) =>
      numberFaults(`/overrides/${pointerPart(subject)}`, fields, limit, burst),
    ),
    ...adaptiveFaults(fields.adaptive),
    ...scheduleFaults(fields),
  ];
}

function subjectFaults(subject: string): FieldError[] {
  const header = subject.startsWith('header:') ? subject.slice('header:'.length) : '';
  if (SECRET_HEADERS.has(header)) {
    return [
      { path: '/subject', message: `must not be ${header}: subjects are shown, and it is a secret; use api_key` },
    ];
  }
  if (FORGED_HEADERS.has(header)) {
    return [{ path: '/subject', message: `must not be ${header}: anybody can send any; use ip, and TRUST_PROXY` }];
  }
  return [];
}

function pathFaults(path: string, glob: string | null): FieldError[] {
  const fault = glob === null ? null : globFault(glob);
  return fault === null ? [] : [{ path, message: fault }];
}

function numberFaults(path: string, fields: RuleFields, limit: number, burst: number | null): FieldError[] {
  const faults: FieldError[] = [];
  if (burst !== null && fields.algorithm !== 'token_bucket') {
    faults.push({ path: `${path}/burst`, message: 'is for token_bucket only' });
  }
  const largest = burst === null || burst < limit ? 'limit' : 'burst';
  if (Math.max(limit, burst ?? 0) * fields.windowMs > UNITS_TIMES_WINDOW_MAX) {
    faults.push({
      path: `${path}/${largest}`,
      message: 'times windowMs must be below 2^53, so that it is counted exactly',
    });
  }
  return faults;
}

function adaptiveFaults(adaptive: RuleAdaptive | null): FieldError[] {
  if (adaptive === null || adaptive.eventLoopDelayMs !== null || adaptive.inFlight !== null) return [];
  return [{ path: '/adaptive', message: 'must name eventLoopDelayMs, inFlight, or both' }];
}

function scheduleFaults({ activeFrom, activeTo }: RuleFields): FieldError[] {
  if (activeFrom === null || activeTo === null || activeFrom < activeTo) return [];
  return [{ path: '/schedule/to', message: `must be after ${toRfc3339(activeFrom)}` }];
}

function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** How the rule counts: exactly, where no subject of it has a limit that is too large for a log. */
export function kindOfRule({ algorithm, limit, overrides }: RuleFields): Kind {
  return kindOf(algorithm, Math.max(limit, ...Object.values(overrides).map((override) => override.limit)));
}

export function precisionOf(fields: RuleFields): 'exact' | 'approximate' {
  return kindOfRule(fields) === KIND.twoBuckets ? 'approximate' : 'exact';
}

/** Whether its schedule lets it count now. */
export function isActive({ enabled, activeFrom, activeTo }: RuleFields, nowMs: number): boolean {
  return enabled && (activeFrom === null || activeFrom <= nowMs) && (activeTo === null || nowMs < activeTo);
}
