/** Finds the order in which the model gives the same answers as the system did. */
import { asList, asObject, compareAnswer } from './compare.ts';
import type { Context, Slack } from './compare.ts';
import type { Answer, Command, Observed, Outcome } from './command.ts';
import { apply, copyWorld } from './model.ts';
import type { Resolved } from './resolve.ts';
import { Disagreement, GUARD_MS, emptyStats, slackIn } from './system.ts';
import type { Run, Stats } from './system.ts';
import type { World } from './world.ts';

/**
 * Applies the group in the order of arrival, or failing that in any order that explains the answers and what is there now.
 *
 * @param compare throws a Disagreement where the system is not as the model's world is
 */
export async function explain(
  run: Run,
  group: Resolved[],
  answers: Answer[],
  compare: () => Promise<void>,
): Promise<boolean> {
  const pairs = group.map((each, index) => ({ command: each.modelled, answer: answers[index] ?? noAnswer }));
  const start = copyWorld(run.world);
  const isExplained = pairs.every((pair) => take(run, pair.command, pair.answer) === null);
  const isAnyOrder = run.anyOrder && group.length > 1;
  if (isExplained) {
    const difference = await differenceIn(compare);
    if (difference === null) return true;
    if (!isAnyOrder) throw difference;
  }
  if (!isAnyOrder) return false;
  run.stats.reordered += 1;
  return findAnyOrder(run, start, pairs, compare);
}

interface Pair {
  command: Command;
  answer: Answer;
}

/**
 * An order to begin with: those that changed nothing first, since one that fits stands where it fits, then by the instants
 * in the answers. Not all answers tell when their command took effect (a part of a reservation that was shipped): of
 * those, each attempt guesses another of the instants that are possible.
 */
function inOrderOfEffect(pairs: readonly Pair[], attempt: number): Pair[] {
  const told = pairs.map(({ command, answer }) => {
    const latest = latestInstantIn(answer);
    return { latest, isItsOwn: changesNothing(answer) || INSTANT_IS_ITS_OWN.has(command.op) };
  });
  const instants = [...new Set(told.filter(({ isItsOwn }) => isItsOwn).map(({ latest }) => latest))].toSorted();
  const guessed = told.map(({ latest, isItsOwn }, index) => {
    const possible = instants.filter((instant) => instant >= latest);
    if (isItsOwn || attempt === 0 || possible.length === 0) return latest;
    return possible[(Math.imul(attempt * 61 + index, 2_654_435_761) >>> 16) % possible.length] ?? latest;
  });
  const order = [...pairs.keys()].toSorted((one, other) => ((guessed[one] ?? '') < (guessed[other] ?? '') ? -1 : 1));
  return order.flatMap((index) => pairs[index] ?? []);
}

/** Commands that change something at the latest instant of their answer. */
const INSTANT_IS_ITS_OWN: ReadonlySet<Command['op']> = new Set([
  'reserve',
  'reserveOne',
  'reserveBatch',
  'transfer',
  'adjust',
  'bulkAdjust',
  'confirm',
  'updateProduct',
]);

function latestInstantIn(answer: Answer): string {
  const text = changesNothing(answer) ? '' : JSON.stringify(answer.body);
  const instants = text.matchAll(
    /"(?:at|createdAt|updatedAt|confirmedAt|shippedAt|cancelledAt|lastMovementAt)":"([^"]+)"/g,
  );
  return [...instants].map(([, instant = '']) => instant).reduce((last, one) => (one > last ? one : last), '');
}

const changesNothing = (answer: Answer): boolean => answer.status >= 400 || answer.replayed;

/** Most orders are found in a hundred tries; where an early guess is wrong, another attempt finds one sooner. */
const TRIES_MAX = 4_000;
const ATTEMPTS_MAX = 50;

/**
 * Leaves the world of the order that it finds.
 *
 * @throws Disagreement where the search gave up
 */
async function findAnyOrder(
  run: Run,
  start: World,
  pairs: readonly Pair[],
  compare: () => Promise<void>,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = await findOrder(run, start, inOrderOfEffect(pairs, attempt), compare);
    if (found !== 'gave up') return found;
  }
  throw new Disagreement(`no order of ${pairs.length} commands was found in ${ATTEMPTS_MAX} times ${TRIES_MAX} tries`);
}

/** Whether there is an order; leaves its world. */
async function findOrder(
  run: Run,
  start: World,
  pairs: readonly Pair[],
  compare: () => Promise<void>,
): Promise<boolean | 'gave up'> {
  // The commands that were left where no order of them was found, as bits. Answers tell so much of the world that the same
  // commands leave nearly always the same, in whatever order they were taken: it is not tried again.
  const failed = new Set<number>();
  let tries = TRIES_MAX;
  /** Of the last order that explained the answers alone: when lapsed units came back is not among them. */
  let difference: Disagreement | null = null;
  const search = async (world: World, left: number): Promise<boolean> => {
    if (left === 0) {
      run.world = world;
      difference = await differenceIn(compare);
      return difference === null;
    }
    if (failed.has(left)) return false;
    for (const [index, { command, answer }] of pairs.entries()) {
      if ((left & (1 << index)) === 0) continue;
      if ((tries -= 1) < 0) return false;
      const next = copyWorld(world);
      if (take({ ...run, world: next, stats: emptyStats() }, command, answer) !== null) continue;
      if (await search(next, left & ~(1 << index))) return true;
      if (changesNothing(answer)) return false;
    }
    if (difference === null) failed.add(left);
    return false;
  };
  if (await search(start, (1 << pairs.length) - 1)) return true;
  run.world = start;
  if (tries < 0) return 'gave up';
  if (difference !== null) throw difference as Disagreement;
  return false;
}

async function differenceIn(compare: () => Promise<void>): Promise<Disagreement | null> {
  try {
    await compare();
    return null;
  } catch (error) {
    if (error instanceof Disagreement) return error;
    throw error;
  }
}

const noAnswer: Answer = { status: 0, replayed: false, body: null };

/** One command and its answer: null when the model says the same. */
function take(run: Run, command: Command, answer: Answer): string | null {
  const { world } = run;
  const slackBefore = slackIn(run);
  run.answers.set(world.applied, answer);
  const outcome = apply(world, command, world.now, observedIn(command, answer));
  const slackAfter = slackIn(run);
  const slackOf = (sku: string, location: string): Slack => ({
    down: Math.max(slackBefore(sku, location).down, slackAfter(sku, location).down),
    up: slackAfter(sku, location).up,
  });
  const context: Context = { answers: run.answers, slackOf };
  const difference = compareAnswer(outcome, answer, context) ?? adoptExpiries(run, command, outcome, answer);
  count(run.stats, command, outcome);
  return difference;
}

function count(stats: Stats, command: Command, outcome: Outcome): void {
  const replay = outcome.ok && outcome.body.kind === 'replay' ? 'replay' : 'ok';
  const items = outcome.ok && outcome.body.kind === 'results' ? outcome.body.results : [outcome];
  for (const item of items) {
    const key = `${command.op} ${item.ok ? replay : (item.codes[0] ?? '')}`;
    stats.outcomes[key] = (stats.outcomes[key] ?? 0) + 1;
  }
}

function observedIn(command: Command, answer: Answer): Observed {
  const body = asObject(answer.body);
  const made =
    command.op === 'reserveBatch' ? asList(body['results']).map((each) => asObject(each['reservation'])) : [body];
  const ids = made.map(({ id }) => id).filter((id) => typeof id === 'string');
  return { ids, replayed: answer.replayed, code: typeof body['code'] === 'string' ? body['code'] : null };
}

/** Takes `expiresAt` to the millisecond from the system, after seeing that it is what was asked for. */
function adoptExpiries({ world, system }: Run, command: Command, outcome: Outcome, answer: Answer): string | null {
  if (!outcome.ok || outcome.body.kind === 'replay') return null;
  const body = asObject(answer.body);
  const bodies =
    command.op === 'reserveBatch' ? asList(body['results']).map((each) => asObject(each['reservation'])) : [body];
  const given = (command.op === 'reserve' || command.op === 'extend') && command.body.expiresAt !== undefined;
  const fromNow = ['reserve', 'reserveOne', 'reserveBatch', 'extend'].includes(command.op);
  const exact = given || !fromNow;
  for (const { id, expiresAt } of bodies) {
    const reservation = typeof id === 'string' ? world.reservations.get(id) : undefined;
    if (reservation === undefined || typeof expiresAt !== 'string') continue;
    const off = Date.parse(expiresAt) - reservation.expiresAt;
    const tolerance = exact || system.exactClock ? 0 : GUARD_MS - 1000;
    if (off < -tolerance || off > tolerance) {
      return `expiresAt: expected ${new Date(reservation.expiresAt).toISOString()}, got ${expiresAt}`;
    }
    reservation.expiresAt += off;
  }
  return null;
}

/** Tells the first answer that no order explains, with the group around it. */
export function describe(run: Run, group: Resolved[], answers: Answer[]): string {
  const lines = group.map(({ sent, modelled }, index) => {
    const answer = answers[index] ?? noAnswer;
    const difference = take(run, modelled, answer);
    return `  ${difference === null ? ' ' : '✗'} ${JSON.stringify(sent)}\n      → ${answer.status}${
      answer.replayed ? ' replayed' : ''
    } ${JSON.stringify(answer.body)}${difference === null ? '' : `\n      ✗ ${difference}`}`;
  });
  return `the answers of this group are not the model's${run.anyOrder ? ', in any order' : ''}:\n${lines.join('\n')}`;
}
