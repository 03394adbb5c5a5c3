import { isUtf8 } from 'node:buffer';
import sjson from 'secure-json-parse';
import { Problem, problems, validationFailed, type FieldError } from '../../kernel/problem.ts';
import { ERRORS_MAX, pointerTo } from './field.path.ts';
import { repeatedMembers } from './json.members.ts';

const PARSE = { protoAction: 'error', constructorAction: 'error' } as const;

/** The only spellings of NUL and of surrogates that survive the check for UTF-8: their escapes. */
const SUSPECT_ESCAPE = /\\u(?:0000|d[89a-f])/i;

/**
 * A body as JSON.
 *
 * @throws Problem `malformed_json`, or `validation_failed` for members that are given twice and for text that no database
 * keeps (NUL, lone surrogates)
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw new Problem(problems.malformedJson, 'The body is not UTF-8.');
  const json = body.toString('utf8');
  const value = parse(json);
  const repeated = repeatedMembers(json, value);
  if (repeated.length > 0) throw validationFailed(repeated);
  if (SUSPECT_ESCAPE.test(json)) {
    const errors = unstorableText(value);
    if (errors.length > 0) throw validationFailed(errors);
  }
  return value;
}

function parse(json: string): unknown {
  try {
    return sjson.parse(json, PARSE) as unknown;
  } catch (error) {
    throw new Problem(problems.malformedJson, explain(error));
  }
}

/** V8 says where it stopped; secure-json-parse says that a key is forbidden. */
function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('forbidden prototype')) {
    return 'The body holds a key named __proto__ or constructor.prototype, which is refused.';
  }
  const position = /at position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0];
  return `The body is not JSON${position === undefined ? '' : `: it goes wrong ${position}`}.`;
}

interface Place {
  value: unknown;
  key: string | number;
  parent: Place | null;
}

/** Walks without recursion: a body may be nested as deeply as it is long. */
function unstorableText(root: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const open: Place[] = [{ value: root, key: '', parent: null }];
  for (let place = open.pop(); place !== undefined && errors.length < ERRORS_MAX; place = open.pop()) {
    const { value } = place;
    if (typeof value === 'string') addFault(errors, value, place);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, member] of Object.entries(value)) {
      const child: Place = { value: member, key, parent: place };
      addFault(errors, key, child);
      if (typeof member === 'string' || (typeof member === 'object' && member !== null)) open.push(child);
    }
  }
  return errors;
}

function addFault(errors: FieldError[], text: string, place: Place): void {
  const fault = textFault(text);
  if (fault === null) return;
  const keys: (string | number)[] = [];
  for (let at: Place | null = place; at?.parent != null; at = at.parent) keys.push(at.key);
  errors.push({ path: pointerTo(keys.toReversed()), message: fault });
}

/** What is wrong with a text that PostgreSQL would refuse or change, or null. */
export function textFault(text: string): string | null {
  if (text.includes('\0')) return 'must not hold the character NUL';
  return text.isWellFormed() ? null : 'must not hold half a surrogate pair';
}
