import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** The tests that failed first and then passed, by their full names: races, to be found. */
export function listFlaky(modules: readonly TestModule[]): string[] {
  return modules.flatMap((module) =>
    [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky === true).map(({ fullName }) => fullName),
  );
}

/** How a run ended, in numbers: a file that does not load, a hook that throws and a stray error each count as a failure. */
export function countOutcomes(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): Counts {
  const counts = { passed: 0, failed: strayErrors.length, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed++;
      else if (state === 'failed') counts.failed++;
      else counts.skipped++;
    }
    for (const suite of [module, ...module.children.allSuites()]) {
      if (suite.errors().length > 0) counts.failed++;
    }
  }
  return counts;
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Ends the output with one line that a script can read, after everything that other reporters and teardowns print. */
export class ClosingLine implements Reporter {
  #counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  #flaky: string[] = [];

  onInit(): void {
    process.once('exit', (code) => {
      // A run that never came to its tests has failed, too.
      if (code !== 0 && this.#counts.failed === 0) this.#counts.failed = 1;
      for (const name of this.#flaky) writeSync(1, `passed only when tried again: ${name}\n`);
      writeSync(1, `${formatCounts(this.#counts)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): void {
    this.#counts = countOutcomes(modules, strayErrors);
    this.#flaky = listFlaky(modules);
  }
}
