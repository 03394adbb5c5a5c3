/** Wildcards of one pattern, at most. */
const WILDCARDS_MAX = 8;
export const GLOB_MAX_LENGTH = 200;
/** Longer paths are refused by every server; here their end is not looked at. */
const PATH_MAX_LENGTH = 4_096;

const SEGMENT = /^[\p{L}\p{N}._~@:=,;!&'*-]*$/u;
const PARAMETER = /^(?::[A-Za-z]\w*|\{[A-Za-z]\w*\})$/;

/**
 * A pattern for paths: `*` is any text within one segment, `**` any number of segments, `{sku}` or `:sku` one segment.
 * Matching takes time in proportion to the path: the text between two wildcards is looked for once, from left to right,
 * and the first place is as good as any (no pattern backtracks). Upper and lower case are one, so that no spelling slips
 * past a rule.
 */
export interface PathGlob {
  readonly text: string;
  /** Whether it fits these segments, in lower case. */
  matches(segments: readonly string[]): boolean;
  /** What can be said of a route by its template alone: it fits every path of it, none, or it takes the path to know. */
  covers(template: readonly TemplatePart[]): 'always' | 'never' | 'depends';
}

/** One segment of a route: its text, or null for a parameter. `rest` may stand for any number of segments. */
export type TemplatePart = string | null | typeof REST;
export const REST = Symbol('any further segments');

/** `*` texts of a segment: it begins with the first, ends with the last, and has the others between, in order. */
type SegmentPattern = readonly string[];

/** Why this is no pattern, or null. */
export function globFault(text: string): string | null {
  if (!text.startsWith('/')) return 'must begin with /';
  if (text.length > GLOB_MAX_LENGTH) return `must have at most ${GLOB_MAX_LENGTH} characters`;
  const segments = text.slice(1).split('/');
  let wildcards = 0;
  for (const [index, segment] of segments.entries()) {
    if (segment === '' && index < segments.length - 1) return 'must not have an empty segment';
    if (PARAMETER.test(segment)) wildcards += 1;
    else if (segment === '**') wildcards += 1;
    else if (!SEGMENT.test(segment))
      return 'may have letters, digits, - . _ ~ @ : = , ; ! & and the wildcards * ** {name}';
    else if (segment.includes('**')) return 'must have ** alone between slashes';
    else wildcards += segment.split('*').length - 1;
    if (segment === '**' && segments[index - 1] === '**') return 'must not repeat **';
  }
  return wildcards > WILDCARDS_MAX ? `must have at most ${WILDCARDS_MAX} wildcards` : null;
}

/** @param text one without a fault */
export function compileGlob(text: string): PathGlob {
  const parts = segmentsOf(text).map((segment) => (segment === '**' ? REST : patternOf(segment)));
  // What stands between two ** : runs of segments that must follow one another.
  const runs: SegmentPattern[][] = [[]];
  for (const part of parts) {
    if (part === REST) runs.push([]);
    else runs.at(-1)?.push(part);
  }
  return { text, matches: (segments) => matchRuns(runs, segments), covers: (template) => coverage(runs, template) };
}

/** The segments of a path as they are compared: without an empty last one, in lower case. */
export function segmentsOf(path: string): string[] {
  const segments = path.slice(0, PATH_MAX_LENGTH).toLowerCase().split('/');
  return segments.filter((segment) => segment !== '');
}

/**
 * The path that somebody names for another service, as its router would see it: decoded, without query, empty and dot
 * segments.
 *
 * @returns null where it cannot be decoded
 */
export function normalisedPath(text: string): string[] | null {
  const path = /^[^?#]*/.exec(text)?.[0] ?? '';
  const segments: string[] = [];
  for (const part of segmentsOf(path)) {
    const segment = decoded(part);
    if (segment === null) return null;
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return segments;
}

function decoded(part: string): string | null {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part).toLowerCase();
  } catch {
    return null;
  }
}

function patternOf(segment: string): SegmentPattern {
  return PARAMETER.test(segment) ? ['', ''] : segment.split('*');
}

function matchRuns(runs: readonly SegmentPattern[][], segments: readonly string[]): boolean {
  const [first = []] = runs;
  if (runs.length === 1) return first.length === segments.length && runFits(first, segments, 0);
  const last = runs.at(-1) ?? [];
  if (first.length + last.length > segments.length) return false;
  const end = segments.length - last.length;
  if (!runFits(first, segments, 0) || !runFits(last, segments, end)) return false;
  let at = first.length;
  for (const run of runs.slice(1, -1)) {
    while (at + run.length <= end && !runFits(run, segments, at)) at += 1;
    if (at + run.length > end) return false;
    at += run.length;
  }
  return true;
}

function runFits(run: readonly SegmentPattern[], segments: readonly string[], from: number): boolean {
  return run.every((pattern, index) => segmentFits(pattern, segments[from + index] ?? ''));
}

function segmentFits(pattern: SegmentPattern, segment: string): boolean {
  const [first = ''] = pattern;
  if (pattern.length === 1) return segment === first;
  const last = pattern.at(-1) ?? '';
  if (segment.length < first.length + last.length || !segment.startsWith(first) || !segment.endsWith(last))
    return false;
  let at = first.length;
  const end = segment.length - last.length;
  for (const piece of pattern.slice(1, -1)) {
    const found = segment.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** By trying the route with a parameter that nothing literal fits, and with none that could matter. */
function coverage(
  runs: readonly SegmentPattern[][],
  template: readonly TemplatePart[],
): 'always' | 'never' | 'depends' {
  const strict = runs.flat();
  const hasRest = template.includes(REST);
  if (
    !hasRest &&
    matchRuns(
      runs,
      template.map((part) => (part === null ? UNLIKELY : String(part))),
    )
  )
    return 'always';
  if (runs.length === 2 && strict.length === 0) return 'always';
  // A literal of the pattern at a place where the route has another literal, from the start: it can never fit.
  const [first = []] = runs;
  for (const [index, pattern] of first.entries()) {
    const part = template[index];
    if (part === REST || part === null) break;
    if (part === undefined || !segmentFits(pattern, part)) return 'never';
  }
  if (runs.length === 1 && !hasRest && first.length !== template.length) return 'never';
  return 'depends';
}

/** What no parameter is: it fits wildcards alone. */
const UNLIKELY = '\u0000';
