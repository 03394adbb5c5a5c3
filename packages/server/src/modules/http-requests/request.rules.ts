import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../../kernel/problem.ts';
import { parseJsonPath, valueAt } from './json.path.ts';
import type { RequestConfig, SuccessRule } from './request.schema.ts';

const BODY_MAX_BYTES = 262_144;
const SECRET_MIN_BYTES = 24;
const SECRET_MAX_BYTES = 64;

/** Those that frame a message or steer its way, and those that this type sets itself. */
const RESERVED =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|keep-alive|authorization|cookie|webhook-.*|proxy-.*)$/i;

/** What its schema cannot say of a config. Paths are those of a job's body. */
export function configFaults(config: RequestConfig): FieldError[] {
  const { method = 'POST', headers = {}, body, signingSecret, success } = config;
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  for (const name of Object.keys(headers)) {
    const path = `/config/headers/${name.replaceAll('~', '~0')}`;
    if (RESERVED.test(name)) faults.push({ path, message: 'is not yours to set' });
    if (seen.has(name.toLowerCase())) faults.push({ path, message: 'is given twice' });
    seen.add(name.toLowerCase());
  }
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    faults.push({ path: '/config/body', message: `is nothing that ${method} carries` });
  }
  const bytes = Buffer.byteLength(textOf(body));
  if (bytes > BODY_MAX_BYTES) {
    faults.push({ path: '/config/body', message: `must be at most ${BODY_MAX_BYTES} bytes; it is ${bytes}` });
  }
  if (signingSecret !== undefined && secretOf(signingSecret) === null) {
    faults.push({ path: '/config/signingSecret', message: 'must be whsec_ and 24 to 64 bytes in Base64' });
  }
  return [...faults, ...successFaults(success ?? {}, method)];
}

function successFaults({ status = [], json }: SuccessRule, method: string): FieldError[] {
  const faults: FieldError[] = [];
  for (const [index, range] of status.entries()) {
    const [from, to] = boundsOf(range);
    if (to < from) faults.push({ path: `/config/success/status/${index}`, message: 'must rise' });
  }
  if (json === undefined) return faults;
  const path = '/config/success/json';
  if (parseJsonPath(json.path) === null) {
    faults.push({ path: `${path}/path`, message: 'must be a path such as $.items[0].state' });
  }
  if (method === 'HEAD') faults.push({ path, message: 'is nothing that HEAD is answered' });
  if (json.exists === false && json.equals !== undefined) {
    faults.push({ path: `${path}/equals`, message: 'contradicts exists' });
  }
  return faults;
}

/** The body as it is sent and signed. */
export function textOf(body: unknown): string {
  if (body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** The bytes of `whsec_…`; null where they are too few or too many, or no Base64. */
export function secretOf(text: string): Buffer | null {
  const encoded = text.slice('whsec_'.length);
  const secret = Buffer.from(encoded, 'base64');
  const isExact = secret.toString('base64').replaceAll('=', '') === encoded.replaceAll('=', '');
  return isExact && secret.length >= SECRET_MIN_BYTES && secret.length <= SECRET_MAX_BYTES ? secret : null;
}

/** What came back. */
export interface Answered {
  status: number;
  body: Buffer;
  isComplete: boolean;
}

/** Why an answer is no success, and whether the same request could get another one. */
export interface Failure {
  message: string;
  isPermanent: boolean;
}

/**
 * What a job keeps to itself it does not show as part of an answer either, as from a target that says what it was sent.
 *
 * @returns text with what is hidden struck out, also where it stands in JSON
 */
export function strikeOut(text: string, { authorization }: Pick<RequestConfig, 'authorization'>): string {
  if (authorization === undefined) return text;
  // A scheme and what it is for: `Bearer 7f3k2q`. Of something shorter every second word would be struck out.
  const credentials = authorization.replace(/^\S+\s+/, '');
  const hidden = [credentials, authorization].find(({ length }) => length >= CREDENTIALS_MIN_LENGTH);
  if (hidden === undefined) return text;
  return text.replaceAll(hidden, '***').replaceAll(JSON.stringify(hidden).slice(1, -1), '***');
}

const CREDENTIALS_MIN_LENGTH = 6;

/**
 * @param shown an answer's text as it may be told
 * @returns null for a success
 */
export function failureOf(
  { status: statuses = ['200-299'], json }: SuccessRule,
  answer: Answered,
  shown: (text: string) => string,
): Failure | null {
  const { status } = answer;
  const isExpected = statuses.some((range) => {
    const [from, to] = boundsOf(range);
    return status >= from && status <= to;
  });
  if (!isExpected) return { message: `the target answered ${status}${hintOf(status)}`, isPermanent: isFinal(status) };
  if (json === undefined) return null;
  const message = jsonFault(json, answer, shown);
  return message === null ? null : { message, isPermanent: false };
}

function jsonFault(
  rule: NonNullable<SuccessRule['json']>,
  { body, isComplete }: Answered,
  shown: (text: string) => string,
): string | null {
  if (!isComplete) return 'the answer was too large, or broke off, so that nothing could be looked up in it';
  const answer = parsed(body);
  if (answer === null) return 'the answer is not JSON';
  const found = valueAt(answer.value, parseJsonPath(rule.path) ?? []);
  if (rule.exists === false) return found === undefined ? null : `the answer has something at ${rule.path}`;
  if (found === undefined) return `the answer has nothing at ${rule.path}`;
  if (rule.equals === undefined || isDeepStrictEqual(found, rule.equals)) return null;
  const [actual, wanted] = [found, rule.equals].map((value) => shortened(shown(JSON.stringify(value))));
  return `the answer has ${actual} at ${rule.path}, not ${wanted}`;
}

function parsed(body: Buffer): { value: unknown } | null {
  try {
    return { value: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    return null;
  }
}

/** Of the 4xx only these say "not now"; a redirect is not followed, now or later. */
function isFinal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 425 && status !== 429;
}

function hintOf(status: number): string {
  return status >= 300 && status < 400 ? '; redirects are not followed' : '';
}

function boundsOf(range: string): [from: number, to: number] {
  const from = Number(range.slice(0, 3));
  return [from, range.length > 3 ? Number(range.slice(4)) : from];
}

function shortened(json: string): string {
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
