/** Of RFC 9535 the singular queries: members by name and elements by index, which name one value or none. */
export type JsonPath = readonly (string | number)[];

const STEP =
  /\.(?<name>[\p{L}_][\p{L}\p{N}_]*)|\[(?<index>-?(?:0|[1-9]\d{0,8}))\]|\['(?<single>[^'\\\]]*)'\]|\["(?<double>[^"\\\]]*)"\]/uy;
const STEPS_MAX = 32;

/** @returns null for text that is no such path, such as one with a wildcard, a slice or a filter */
export function parseJsonPath(text: string): JsonPath | null {
  if (!text.startsWith('$')) return null;
  const steps: (string | number)[] = [];
  let at = 1;
  while (at < text.length) {
    STEP.lastIndex = at;
    const groups = STEP.exec(text)?.groups;
    if (groups === undefined || steps.length === STEPS_MAX) return null;
    const { name, index, single, double } = groups;
    steps.push(index === undefined ? (name ?? single ?? double ?? '') : Number(index));
    at = STEP.lastIndex;
  }
  return steps;
}

/** What stands there; undefined where nothing does. Only what the JSON itself holds counts, never what an object inherits. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let found = value;
  for (const step of path) {
    if (typeof step === 'number') found = Array.isArray(found) ? (found as unknown[]).at(step) : undefined;
    else found = memberOf(found, step);
  }
  return found;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
