import type { Fault } from './checker.ts';

/** What came of a scenario. */
export interface Report {
  /** Empty: everything held. */
  faults: Fault[];
  /** What happened, in numbers, for the reader. */
  facts: Record<string, number | string>;
  /** The last lines of the server, for when something did not hold. */
  log?: string[];
}

const LOG_LINES_SHOWN = 40;

export function lastLinesOf(output: string): string[] {
  return output.trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
}

/** A rule that a number breaks. */
export function faultUnless(holds: boolean, rule: string, ...rows: unknown[]): Fault[] {
  return holds ? [] : [{ rule, rows }];
}
