import type { Engine } from '../../engine/index.ts';
import type { Attempt, LogLine } from './run.attempt.ts';
import { insertLog, writeProgress } from './run.notes.sql.ts';
import { runEntry } from './run.view.ts';
import { refusalOf, writeByHalves } from './write.halves.ts';

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };
/** Whoever watches is told of so much, and not of every step. */
const STEP_PERCENT = 1;

/** Writes what attempts have logged and how far they are: all of them in one transaction. What is refused is left out. */
export async function tellProgress(
  engine: Engine,
  attempts: readonly Attempt[],
  { isLast }: { isLast: boolean },
): Promise<void> {
  const news = attempts.filter(({ isNews }) => isNews);
  if (news.length === 0) return;
  await writeByHalves(
    news,
    (some) => tellTogether(engine, some, isLast),
    (attempt, error) => {
      attempt.forget(`What it said could not be kept: ${refusalOf(error)}.`);
      return tellTogether(engine, [attempt], isLast);
    },
  );
}

async function tellTogether(engine: Engine, news: readonly Attempt[], isLast: boolean): Promise<void> {
  const lines = new Map<Attempt, LogLine[]>();
  for (const attempt of news) {
    attempt.isNews = false;
    lines.set(attempt, attempt.takeLines());
  }
  try {
    await engine.transact(META, async (tx) => {
      const notes = news.map((attempt) => ({
        id: attempt.held.run.id,
        fence: attempt.held.run.fence,
        percent: attempt.percent,
        message: attempt.message,
        lines: lines.get(attempt)?.length ?? 0,
      }));
      const firstLine = await writeProgress(tx, notes);
      const held = news.filter(({ held: { run } }) => firstLine.has(run.id));
      await insertLog(
        tx,
        held.flatMap((attempt) => numbered(attempt, lines.get(attempt) ?? [], firstLine)),
      );
      // Its end is told by itself.
      const moved = isLast ? [] : held.filter(hasMoved);
      const journal = moved.map(({ held: { run }, percent, message }) =>
        runEntry('run.progressed', { ...run, percent, progress_message: message }),
      );
      return { status: 204, body: null, journal };
    });
    for (const attempt of news) attempt.toldPercent = attempt.percent;
  } catch (error) {
    for (const [attempt, some] of lines) attempt.giveBack(some);
    throw error;
  }
}

function hasMoved({ percent, toldPercent }: Attempt): boolean {
  if (percent === null) return toldPercent !== null;
  return toldPercent === null || Math.abs(percent - toldPercent) >= STEP_PERCENT;
}

function numbered(attempt: Attempt, lines: readonly LogLine[], firstLine: ReadonlyMap<string, number>) {
  const { run } = attempt.held;
  const first = firstLine.get(run.id) ?? 0;
  return lines.map((line, index) => ({ ...line, runId: run.id, attempt: run.attempt, line: first + index + 1 }));
}
