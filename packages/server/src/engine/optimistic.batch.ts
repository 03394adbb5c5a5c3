import type { IdSource } from '../kernel/ids.ts';
import { rowsOf, RolledBack, type BatchOutcome, type Sent } from './batch.context.ts';
import { changedBy, evidenceOf, ledgerOf } from './batch.ts';
import { decide } from './decide.ts';
import { weightOf } from './footprint.ts';
import { selectStillKnown, type KnownBasis } from './known.sql.ts';
import type { KnownStock } from './known.stock.ts';
import { NumbersExhausted } from './numbers.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import type { Statement } from './read.sql.ts';
import { BEGIN } from './settings.sql.ts';
import type { Asked } from './stock.command.ts';
import type { Level } from './stock.state.ts';
import { writeKnownStatement } from './write.sql.ts';

/** Commands that were decided on what is known. */
export interface KnownBatch {
  /** One per command. What is refused here is no answer yet: under locks it may be accepted. */
  accepted: boolean[];
  /** Null where nothing was. */
  plan: KnownPlan | null;
}

/** A batch that is ready to be sent. */
export interface KnownPlan {
  write: Statement;
  basis: Omit<KnownBasis, 'after' | 'own' | 'blocks'>;
  sent: Omit<Sent, 'by'>;
  levels: ReadonlySet<Level>;
}

/** Numbers that commands take at most: one for the journal entry, and three for each line. */
export function numbersFor(asked: readonly Asked[]): number {
  return asked.reduce((sum, { command }) => sum + 1 + 3 * weightOf(command), 0);
}

/**
 * Decides commands that are known. What is known is from then on what they left, or as it was where nothing is written.
 *
 * @param clockMs the database's clock, as it is told
 */
export function decideKnown(
  asked: readonly Asked[],
  known: KnownStock,
  clockMs: number,
  timeShiftMs: number,
  ids: IdSource,
): KnownBatch {
  let batch: KnownBatch | null = null;
  try {
    batch = planOf(asked, known, clockMs, clockMs + timeShiftMs, ids);
  } catch (error) {
    if (!(error instanceof NumbersExhausted)) throw error;
  } finally {
    known.settle(batch?.plan?.levels ?? []);
  }
  return batch ?? { accepted: asked.map(() => false), plan: null };
}

/** Null where a decision is not whole. */
function planOf(
  asked: readonly Asked[],
  known: KnownStock,
  clockMs: number,
  nowMs: number,
  ids: IdSource,
): KnownBatch | null {
  const commands = asked.map(({ command }) => command);
  const decision = decide(asked, known.stateFor(commands, nowMs), known.numbers, ids);
  const { writes } = decision;
  // An item that is refused may be accepted under locks, and an alert that resolves must be read.
  const isWhole = decision.alertsWanted.size === 0 && decision.refusedItems === 0;
  if (!isWhole || writes.levels.size === 0) return null;
  const accepted = decision.outcomes.map((outcome) => 'answer' in outcome);
  const outcomes = decision.outcomes.filter((_, index) => accepted[index]);
  const products = new Set([...writes.levels].map(({ product }) => product));
  const locations = new Set([...writes.levels].map(({ location }) => location));
  const basis = { clockMs, products: versionsOf(products), locations: versionsOf(locations) };
  const outcome = { outcomes, entries: ledgerOf(writes), changed: changedBy(writes), learned: null };
  const plan: KnownPlan = {
    write: writeKnownStatement(writes, nowMs),
    basis,
    sent: { evidence: evidenceOf(writes, nowMs), outcome },
    levels: writes.levels,
  };
  return { accepted, plan };
}

function versionsOf(rows: Iterable<{ id: number; version: number }>): { id: number; version: number }[] {
  return [...rows].map(({ id, version }) => ({ id, version }));
}

/**
 * Writes a batch in one round trip, with its COMMIT. Nothing of it is done where a level, product or location is not any
 * more what it was decided on, or where the batch before it was not done.
 *
 * @param after the number of the batch before it on this connection
 */
export async function writeKnown(
  client: LaneConnection,
  { write, basis, sent }: KnownPlan,
  known: KnownStock,
  { after, own }: { after: number; own: number },
  onCommit: (sent: Sent) => void,
): Promise<BatchOutcome> {
  onCommit({ ...sent, by: { backend: client.backend } });
  const stillKnown = selectStillKnown({ ...basis, after, own, blocks: known.numbers.wanted });
  const [, , [clock], committed] = await Promise.all([
    client.query(BEGIN),
    client.query(write),
    rowsOf<[number, number[]]>(client, stillKnown),
    client.query('COMMIT'),
  ]);
  if (committed.command !== 'COMMIT') throw new RolledBack(`COMMIT was answered with ${committed.command}`);
  if (clock !== undefined) {
    const [nowMs, blocks] = clock;
    known.clock.learn(nowMs, performance.now());
    for (const block of blocks) known.numbers.add(block);
  }
  return sent.outcome;
}
