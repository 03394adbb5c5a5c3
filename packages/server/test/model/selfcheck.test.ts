/** Is the harness worth believing? It agrees with a faithful copy, and sees every bug planted into one. */
import fc from 'fast-check';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sequence } from './generate.ts';
import { runAgainstModel } from './harness.ts';
import { apply } from './model.ts';
import { MUTANTS } from './mutants.ts';
import type { Mutant } from './mutants.ts';
import { modelSystem } from './selfcheck.system.ts';
import type { ModelModules } from './selfcheck.system.ts';
import { emptyStats } from './system.ts';
import * as world from './world.ts';

const FOLDER = import.meta.dirname;

describe('a faithful copy of the model', () => {
  it('agrees with it, and a third to a half of the commands is refused', async () => {
    const stats = emptyStats();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(sequence(40), async (history) => {
        run += 1;
        await runAgainstModel({ system: modelSystem({ apply, ...world }), sequence: history, run: `S${run}`, stats });
      }),
      { seed: 7, numRuns: 40 },
    );
    const counts = Object.entries(stats.outcomes);
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const refused = counts.filter(([key]) => !/ (?:ok|replay)$/.test(key)).reduce((sum, [, count]) => sum + count, 0);
    expect(stats.reordered).toBe(0);
    expect(refused / total).toBeGreaterThan(0.25);
    expect(refused / total).toBeLessThan(0.55);
  });

  it('agrees where holds come back by a background sweep', async () => {
    let run = 0;
    const property = fc.asyncProperty(sequence(30), async (history) => {
      run += 1;
      const system = modelSystem({ apply, ...world }, { sweepsByItself: true });
      await runAgainstModel({ system, sequence: history, run: `B${run}` });
    });
    await fc.assert(property, { seed: 8, numRuns: 25 });
  });

  it('agrees where a group did not arrive in order, and says so', async () => {
    const stats = emptyStats();
    const arrange = (places: number[]) => [...places.slice(0, -2), ...places.slice(-2).toReversed()];
    let run = 0;
    const property = fc.asyncProperty(sequence(20), async (history) => {
      run += 1;
      await runAgainstModel({
        system: modelSystem({ apply, ...world }, { arrange }),
        sequence: history,
        run: `O${run}`,
        anyOrder: true,
        stats,
      });
    });
    await fc.assert(property, { seed: 9, numRuns: 8 });
    expect(stats.reordered).toBeGreaterThan(0);
  });
});

describe('the harness sees a planted bug', () => {
  let folder = '';

  beforeAll(async () => {
    // Inside this folder, so that the runner finds and strips the copies like any other module.
    folder = await mkdtemp(join(FOLDER, '.mutant-'));
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it.each(MUTANTS.map((mutant, index) => ({ ...mutant, index })))('$bug', async ({ index, ...mutant }) => {
    const modules = await plant(mutant, join(folder, String(index)));
    let run = 0;
    const property = fc.asyncProperty(sequence(40), async (history) => {
      run += 1;
      await runAgainstModel({ system: modelSystem(modules), sequence: history, run: `M${run}` });
    });
    const details = await fc.check(property, { seed: 11, numRuns: 120, endOnFailure: true });
    expect(details.failed, 'a history on which the two differ').toBe(true);
    // A copy that breaks an invariant throws by itself; any other error would be a mutant that does not run.
    expect(String(details.errorInstance)).toMatch(/^(?:Disagreement: |Error: the model broke invariant)/);
  });
});

/** A copy of the model's modules with one passage changed. */
async function plant({ file, from, to }: Mutant, folder: string): Promise<ModelModules> {
  for (const name of await readdir(FOLDER)) {
    if (/^(?:command|placement|world|model|reservation\.model|stock\.model)\.ts$/.test(name)) {
      await cp(join(FOLDER, name), join(folder, name));
    }
  }
  const source = await readFile(join(FOLDER, file), 'utf8');
  expect(source.split(from), `the passage to change stands once in ${file}`).toHaveLength(2);
  await writeFile(
    join(folder, file),
    source.replace(from, () => to),
  );
  const model = (await import(pathToFileURL(join(folder, 'model.ts')).href)) as { apply: typeof apply };
  const state = (await import(pathToFileURL(join(folder, 'world.ts')).href)) as typeof world;
  return { apply: model.apply, ...state };
}
