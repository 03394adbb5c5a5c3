import type { FieldError } from '../../kernel/problem.ts';
import { ERRORS_MAX, pointerTo } from './field.path.ts';

const QUOTE = 0x22;
const BLANK = 0x20;
const REPEATED = 'must be given once';

/**
 * The members that an object of the body names twice. JSON.parse keeps the last of them and says nothing, others keep the
 * first (RFC 8259, section 4): of `{"quantity": 1, "quantity": 5}` nobody knows what was meant.
 *
 * A member has a colon, so where there are as many colons as members there is nothing to look for. That costs a twelfth
 * of what JSON.parse does; the search, for bodies with such colons in their texts as well, costs about as much as it.
 *
 * @param json what JSON.parse made `value` of
 */
export function repeatedMembers(json: string, value: unknown): FieldError[] {
  return colonsIn(json) === membersOf(value) ? [] : searchRepeated(json);
}

/** Of members, and hardly any others: behind a name stands its quote, or a blank. */
function colonsIn(json: string): number {
  let count = 0;
  for (let at = json.indexOf(':'); at !== -1; at = json.indexOf(':', at + 1)) {
    const before = json.charCodeAt(at - 1);
    if (before === QUOTE || before <= BLANK) count += 1;
  }
  return count;
}

/** Without recursion: a body may be nested as deeply as it is long. */
function membersOf(root: unknown): number {
  let count = 0;
  const open = isHolder(root) ? [root] : [];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (const item of value) if (isHolder(item)) open.push(item);
    } else {
      for (const name in value) {
        count += 1;
        const member = value[name];
        if (isHolder(member)) open.push(member);
      }
    }
  }
  return count;
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** An object or array that the search is in. */
interface Open {
  /** Of an object: the names that came. */
  names: Set<string> | null;
  /** Of the member or item that it is at. */
  key: string | number;
}

/** Looks at the text, which is known to be JSON. */
function searchRepeated(json: string): FieldError[] {
  const errors: FieldError[] = [];
  const open: Open[] = [];
  for (let at = 0; at < json.length && errors.length < ERRORS_MAX; at += 1) {
    const character = json[at];
    const within = open.at(-1);
    if (character === '{') open.push({ names: new Set(), key: '' });
    else if (character === '[') open.push({ names: null, key: 0 });
    else if (character === '}' || character === ']') open.pop();
    else if (character === ',' && typeof within?.key === 'number') within.key += 1;
    else if (character === '"') {
      const end = endOfText(json, at);
      if (within?.names != null && isName(json, end)) {
        const name = JSON.parse(json.slice(at, end)) as string;
        within.key = name;
        if (within.names.has(name)) errors.push(repeatedAt(open));
        within.names.add(name);
      }
      at = end - 1;
    }
  }
  return errors;
}

function repeatedAt(open: readonly Open[]): FieldError {
  return { path: pointerTo(keysOf(open)), message: REPEATED };
}

/** One after the other: there may be millions, of which the pointer shows the first. */
function* keysOf(open: readonly Open[]): Iterable<string | number> {
  for (const { key } of open) yield key;
}

/** After the closing quote. */
function endOfText(json: string, from: number): number {
  let at = json.indexOf('"', from + 1);
  while (isEscaped(json, at)) at = json.indexOf('"', at + 1);
  return at + 1;
}

function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json[first - 1] === '\\') first -= 1;
  return (at - first) % 2 === 1;
}

function isName(json: string, end: number): boolean {
  let at = end;
  while (/\s/.test(json[at] ?? '')) at += 1;
  return json[at] === ':';
}
