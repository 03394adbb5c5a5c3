/** Makes a failing history short: what can be left out and the same disagreement stays, is left out. */
import type { Sequence } from './generate.ts';

/** Runs a history: null where it agrees, else the disagreement. */
export type Trial = (history: Sequence) => Promise<Error | null>;

/** Which disagreement it is, without the names and numbers of one run. */
export function kindOf(error: Error): string {
  const lines = error.message.split('\n');
  const line = lines.find((each) => each.startsWith('      ✗')) ?? lines[0] ?? '';
  return line.replaceAll(/[\da-f]{8}-[\da-f-]{27}|H[\d-]+|\d+/g, '#').slice(0, 60);
}

/** Tries for so long at most, and answers the shortest failing history found with its disagreement. */
export async function minimise(
  history: Sequence,
  error: Error,
  trial: Trial,
  budgetMs: number,
): Promise<{ history: Sequence; error: Error }> {
  const kind = kindOf(error);
  const deadline = performance.now() + budgetMs;
  let best = { history, error };
  const stillFails = async (candidate: Sequence): Promise<boolean> => {
    if (performance.now() >= deadline) return false;
    const failed = await trial(candidate);
    if (failed === null || kindOf(failed) !== kind) return false;
    best = { history: candidate, error: failed };
    return true;
  };
  await thin(history.steps, async (steps) => stillFails({ ...best.history, steps }));
  for (let index = best.history.steps.length - 1; index >= 0; index -= 1) {
    const step = best.history.steps[index];
    if (step?.kind !== 'group') continue;
    await thin(step.templates, async (templates) => {
      const steps = best.history.steps.with(index, { kind: 'group', templates });
      return templates.length > 0 && stillFails({ ...best.history, steps });
    });
  }
  await thinArrays(best.history, stillFails);
  return best;
}

/** Leaves out what can be left out: halves first, then ever smaller runs. */
async function thin<T>(items: T[], stillFails: (fewer: T[]) => Promise<boolean>): Promise<void> {
  let kept = items;
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = kept.length; end > 0; end -= size) {
      const fewer = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
      if (await stillFails(fewer)) kept = fewer;
    }
  }
}

/** The same for the lines and items inside the commands. */
async function thinArrays(history: Sequence, stillFails: (candidate: Sequence) => Promise<boolean>): Promise<void> {
  let best = history;
  for (let target = 0; ; target += 1) {
    const found = arrayAt(best, target);
    if (found === undefined) return;
    await thin(found, async (fewer) => {
      const candidate = structuredClone(best);
      arrayAt(candidate, target)?.splice(0, found.length, ...fewer);
      if (fewer.length === 0 || !(await stillFails(candidate))) return false;
      best = candidate;
      return true;
    });
  }
}

/** The n-th array of lines or items, in the order of the text. */
function arrayAt(history: Sequence, target: number): unknown[] | undefined {
  let seen = -1;
  let found: unknown[] | undefined;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found !== undefined) return;
    for (const [key, inner] of Object.entries(value)) {
      if (Array.isArray(inner) && ['lines', 'adjustments', 'reservations'].includes(key)) {
        seen += 1;
        if (seen === target) found = inner;
      }
      visit(inner);
    }
  };
  visit(history);
  return found;
}
