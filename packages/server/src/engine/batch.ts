import type { Problem } from '../kernel/problem.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import {
  RolledBack,
  rowsOf,
  StaleFootprint,
  type BatchContext,
  type BatchOutcome,
  type Changed,
} from './batch.context.ts';
import { loadAlerts, loadLapsed, lockAndLoad } from './batch.load.ts';
import { lookUp, refuseStale } from './batch.targets.ts';
import { decide, type Decision } from './decide.ts';
import { buildState, type Loaded } from './loaded.ts';
import { BlockNumbers, NumbersExhausted } from './numbers.ts';
import * as read from './read.sql.ts';
import { BEGIN } from './settings.sql.ts';
import type { Asked } from './stock.command.ts';
import type { StockState, Writes } from './stock.state.ts';
import { deleteOldAnswers, writeStatements } from './write.sql.ts';

/** A decision that still asks for more after so many looks has a defect. */
const LOOKS_MAX = 64;

/**
 * Runs commands as one transaction: lock, read what must be fresh, decide, write, commit. Two round trips where every
 * name is known and no reservation is touched; statements are pipelined, each with a snapshot of its own.
 *
 * @throws StaleFootprint, RolledBack, TouchesStuck, and what the database throws
 */
export async function runBatch(
  client: LaneConnection,
  asked: readonly Asked[],
  context: BatchContext,
): Promise<BatchOutcome> {
  const targets = await lookUp(client, asked, context);
  await context.onLevels(targets.levels.keys);
  const begun = Promise.all([client.query(BEGIN), client.query(read.selectSettings(context))]);
  const { loaded, blocks, transactionId, clock } = await lockAndLoad(client, begun, asked, targets, context);
  refuseStale(targets, loaded, context);
  const { decision, state, numbers } = await decideFully(client, asked, loaded, blocks, context);
  await holdMadeLevels(client, decision.writes, loaded);
  const oldAnswers = decision.writes.answers.length === 0 ? null : oldAnswersOf(loaded);
  const statements = writeStatements(decision.writes, oldAnswers, loaded.nowMs);
  const outcome: BatchOutcome = {
    outcomes: decision.outcomes,
    entries: ledgerOf(decision.writes),
    changed: changedBy(decision.writes),
    learned: { state, written: decision.writes.levels, numbers: numbers.rest, clock },
  };
  context.onCommit(
    statements.length === 0
      ? null
      : { by: { transactionId }, evidence: evidenceOf(decision.writes, loaded.nowMs), outcome },
  );
  const written = statements.map((statement) => client.query(statement));
  const [committed] = await Promise.all([client.query('COMMIT'), ...written]);
  if (committed.command !== 'COMMIT') throw new RolledBack(`COMMIT was answered with ${committed.command}`);
  return outcome;
}

/** The ledger entries, as metrics count them. */
export function ledgerOf({ ledger }: Writes): BatchOutcome['entries'] {
  return ledger.map(({ type, level }) => ({ type, location: level.location.code }));
}

/** A product that changed may have changed its name: of that its levels do not tell. */
export function changedBy({ levels, products }: Writes): Changed {
  const skus = new Set<string>();
  for (const { product } of levels) skus.add(product.sku);
  return { skus, everything: products.size > 0 };
}

/** Decides; where something would be refused for the sake of what is not loaded yet, loads it and decides again. */
async function decideFully(
  client: LaneConnection,
  asked: readonly Asked[],
  loaded: Loaded,
  blocks: number[],
  context: BatchContext,
): Promise<{ decision: Decision; state: StockState; numbers: BlockNumbers }> {
  const doomed = new Map<number, Problem>();
  const limits = new Map<string, number>();
  for (let look = 0; look < LOOKS_MAX + asked.length; look += 1) {
    let decision: Decision;
    const state = buildState(loaded);
    const numbers = new BlockNumbers(blocks);
    try {
      decision = decide(asked, state, numbers, context.ids, doomed);
    } catch (error) {
      if (!(error instanceof NumbersExhausted)) throw error;
      const [more] = await rowsOf<[number, string, number[]]>(client, read.selectClock(blocks.length));
      blocks.push(...(more?.[2] ?? []));
      continue;
    }
    const isInformed = decision.lapsedWanted.size + decision.alertsWanted.size === 0;
    if (isInformed && decision.doomed.size === 0) return { decision, state, numbers };
    if (decision.lapsedWanted.size > 0) await loadLapsed(client, loaded, decision.lapsedWanted, limits);
    if (decision.alertsWanted.size > 0) await loadAlerts(client, loaded, decision.alertsWanted);
    // An atomic command is doomed only by a decision that knew everything: lapsed units might have saved it. And only the
    // first: those behind it were decided on what it had already done.
    const [firstDoomed] = decision.doomed;
    if (isInformed && firstDoomed !== undefined) doomed.set(...firstDoomed);
  }
  throw new Error('a decision kept asking for more');
}

/** A maker of a level's row holds its product `FOR SHARE`: a change of its settings comes before or after, never between. */
async function holdMadeLevels(client: LaneConnection, writes: Writes, loaded: Loaded): Promise<void> {
  const made = new Set([...writes.levels].filter((level) => !level.exists).map((level) => level.product.id));
  if (made.size === 0) return;
  const versions = new Map(loaded.products.map(([id, , , version]) => [id, version]));
  for (const [id, version] of await rowsOf<[number, number]>(client, read.shareProducts([...made]))) {
    if (versions.get(id) !== version) throw new StaleFootprint('a product changed while its level was made');
  }
}

/** An old answer makes room for a new one; where none is kept, the sweep takes it. */
function oldAnswersOf(loaded: Loaded): read.Statement | null {
  const old = loaded.answers.filter((answer) => answer[7]);
  if (old.length === 0) return null;
  return deleteOldAnswers(
    old.map(([owner]) => owner),
    old.map(([, key]) => key),
    old.map(([, , chunk]) => chunk),
  );
}

/** Whatever is written is journalled, except answers that show a resource as it is. */
export function evidenceOf(writes: Writes, nowMs: number): read.Evidence {
  const [entry] = writes.journal;
  if (entry !== undefined) return { of: 'journal', id: entry.id, atMs: entry.at };
  const [stored] = writes.answers;
  if (stored === undefined) throw new Error('a batch wrote something that it did not journal');
  const { owner, key, chunk = 0 } = stored.idempotency;
  return { of: 'answer', owner, key, chunk, atMs: nowMs };
}
