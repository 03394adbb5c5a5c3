import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Suites that start servers, databases and browsers: they take seconds to a minute, others far less. */
const IS_LONG = /^(?:torture|deploy|packages\/[^/]+\/test)\//;

/**
 * Long suites first, so that none of them is left to run alone at the end. On a machine that has not run them before
 * Vitest goes by the size of the file.
 */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      IS_LONG.test(moduleId.slice(this.ctx.config.root.length + 1));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
