import type { FieldError } from '../../kernel/problem.ts';
import { printable } from './field.path.ts';
import { textFault } from './json.body.ts';

const NOT_A_PARAMETER = 'must be of the form name=value, percent-encoded UTF-8, with & only between parameters';

/** More parameters than any route has. */
const PARAMETERS_MAX = 100;

/**
 * A query string taken apart, before a route's schema has seen it. What is wrong with it is kept, not thrown: the router
 * calls the parser where nobody would catch it.
 */
export class RawQuery {
  readonly values = new Map<string, string>();
  readonly errors: FieldError[] = [];
}

const EMPTY = new RawQuery();

/** `application/x-www-form-urlencoded`, strictly: `+` is a blank, nothing is empty, nothing comes twice. */
export function parseQuery(query: string): RawQuery {
  if (query === '') return EMPTY;
  const parsed = new RawQuery();
  const pairs = query.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) {
    parsed.errors.push({ path: 'query', message: `must have at most ${PARAMETERS_MAX} parameters` });
    return parsed;
  }
  for (const pair of pairs) addPair(parsed, pair);
  return parsed;
}

function addPair({ values, errors }: RawQuery, pair: string): void {
  const equals = pair.indexOf('=');
  const name = decode(equals < 0 ? pair : pair.slice(0, equals));
  const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
  if (name === null || name === '') {
    errors.push({ path: printable(pair) || 'query', message: NOT_A_PARAMETER });
    return;
  }
  const fault = pairFault(values, name, value);
  if (fault !== null) errors.push({ path: printable(name), message: fault });
  else values.set(name, value ?? '');
}

function pairFault(values: ReadonlyMap<string, string>, name: string, value: string | null): string | null {
  if (value === null) return 'must be percent-encoded UTF-8';
  if (value === '') return 'must not be empty: leave the parameter out';
  if (values.has(name)) return 'must be given once';
  return textFault(name) ?? textFault(value);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
