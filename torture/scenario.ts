import type { Fault } from './checker.ts';

/** What came of a scenario. */
export interface Report {
  /** Empty: everything held. */
  faults: Fault[];
  /** What happened, in numbers, for the reader. */
  facts: Record<string, number | string>;
}

/** A rule that a number breaks. */
export function faultUnless(holds: boolean, rule: string, ...rows: unknown[]): Fault[] {
  return holds ? [] : [{ rule, rows }];
}
