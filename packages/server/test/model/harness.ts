/**
 * Runs one generated history against a system and the model side by side. Commands go in groups, all of a group in one
 * tick; the answers must be those of the model taking the same commands one by one, in the order of arrival.
 */
import { asObject } from './compare.ts';
import type { Answer, Op } from './command.ts';
import { describe, explain } from './explain.ts';
import { LOCATIONS, LOCATION_FIELDS, PRODUCTS } from './generate.ts';
import type { Sequence, Step, Template } from './generate.ts';
import { copyWorld } from './model.ts';
import { resolveGroup } from './resolve.ts';
import type { Names, Resolved, Resolver } from './resolve.ts';
import { compareState, settle } from './settle.ts';
import { Disagreement, GUARD_MS, emptyStats } from './system.ts';
import type { Run, Stats, SystemUnderTest } from './system.ts';
import { addLocation, addProduct, emptyWorld, sweepLapsed } from './world.ts';
import type { World } from './world.ts';

/** Lines of a history that are still worth reading. */
const TOLD_WHOLE = 60;

export type RunOptions = {
  system: SystemUnderTest;
  sequence: Sequence;
  /** Makes the names of this run its own. */
  run: string;
  stats?: Stats;
  /** For a system that does not promise to decide in the order of arrival. */
  anyOrder?: boolean;
};

export async function runAgainstModel({
  system,
  sequence,
  run: name,
  stats = emptyStats(),
  anyOrder = false,
}: RunOptions): Promise<void> {
  const names: Names = { sku: (alias) => `${name}-${alias}`, location: (alias) => `MODEL-${alias}` };
  const world = await prepareWorld(system, sequence, names);
  const versionOf = async (sku: string, location: string) =>
    Number((await system.readLevels(sku)).find((level) => level['location'] === location)?.['version'] ?? 0);
  const resolver: Resolver = { names, world, keyed: [], keyPrefix: `${name}-key`, nowMs: system.nowMs(), versionOf };
  const run: Run = {
    system,
    world,
    resolver,
    answers: new Map(),
    transcript: [],
    stats,
    strict: system.sweep !== undefined,
    anyOrder,
  };
  const steps: Step[] = [{ kind: 'group', templates: [sequence.opening] }, ...sequence.steps];
  try {
    for (const step of steps) await takeStep(run, step);
    await keepClearOfExpiry(run);
    await settle(run);
  } catch (error) {
    throw withTranscript(run, error);
  }
}

/** A short history is told whole. */
function withTranscript({ transcript }: Run, error: unknown): unknown {
  if (!(error instanceof Disagreement) || transcript.length > TOLD_WHOLE) return error;
  return new Disagreement(`${error.message}\n  the whole history:\n${transcript.join('\n')}`, { cause: error });
}

async function prepareWorld(system: SystemUnderTest, sequence: Sequence, names: Names): Promise<World> {
  const world = emptyWorld();
  for (const [index, alias] of PRODUCTS.entries()) addProduct(world, names.sku(alias), sequence.products[index]);
  for (const alias of LOCATIONS) addLocation(world, names.location(alias), LOCATION_FIELDS[alias]);
  const products = PRODUCTS.map((alias, index) => ({
    sku: names.sku(alias),
    settings: sequence.products[index] ?? {},
  }));
  await system.prepare(products, [...world.locations.values()]);
  return world;
}

async function takeStep(run: Run, step: Step): Promise<void> {
  if (step.kind !== 'group') run.transcript.push(`  ${JSON.stringify(step)}`);
  switch (step.kind) {
    case 'clock':
      return run.system.advanceTime(step.ms);
    case 'toExpiry':
      return advanceToExpiry(run, step.offsetMs);
    case 'sweep':
      return sweep(run);
    case 'group':
      return takeGroup(run, step.templates);
  }
}

async function sweep(run: Run): Promise<void> {
  if (run.system.sweep === undefined) return;
  // On a busy machine it runs so late that a hold lapses which had not when the clock was read.
  await keepClearOfExpiry(run);
  run.world.now = run.system.nowMs();
  await run.system.sweep();
  sweepLapsed(run.world);
}

function nextExpiry(world: World, fromMs: number): number | null {
  const pending = [...world.reservations.values()].filter(({ status }) => status === 'pending');
  const next = Math.min(...pending.map(({ expiresAt }) => expiresAt).filter((expiresAt) => expiresAt >= fromMs));
  return Number.isFinite(next) ? next : null;
}

async function advanceToExpiry({ system, world }: Run, offsetMs: number): Promise<void> {
  const now = system.nowMs();
  const next = nextExpiry(world, now + 1);
  // A running clock cannot be stopped before the instant; just after it is as sharp as it gets.
  const target = next === null ? now : next + (system.exactClock ? offsetMs : 2);
  if (target > now) await system.advanceTime(target - now);
}

/** With a running clock: jumps over every expiry that could fall into the time a group takes. */
async function keepClearOfExpiry({ system, world }: Run): Promise<void> {
  if (system.exactClock) return;
  for (;;) {
    const now = system.nowMs();
    const next = nextExpiry(world, now - 2);
    if (next === null || next > now + GUARD_MS) return;
    await system.advanceTime(Math.max(0, next - now) + 3);
  }
}

async function takeGroup(run: Run, templates: Template[]): Promise<void> {
  await keepClearOfExpiry(run);
  run.world.now = run.system.nowMs();
  run.resolver.nowMs = run.world.now;
  const resolved = await resolveGroup(run.resolver, templates);
  // Locations are no part of the engine.
  const alone = new Set<Op>([
    'updateLocation',
    ...(run.system.archivesInOrder === true ? [] : ['archiveProduct' as const]),
  ]);
  let group: Resolved[] = [];
  for (const each of resolved) {
    if (!alone.has(each.sent.op)) {
      group.push(each);
      continue;
    }
    await submitGroup(run, group);
    await submitGroup(run, [each]);
    group = [];
  }
  await submitGroup(run, group);
}

function told({ sent }: Resolved, answer: Answer | undefined): string {
  const { id, status, code } = asObject(answer?.body);
  return `  ${JSON.stringify(sent)} → ${answer?.status ?? ''} ${JSON.stringify({ id, status, code })}`;
}

async function submitGroup(run: Run, group: Resolved[]): Promise<void> {
  if (group.length === 0) return;
  const { system, stats } = run;
  const before = copyWorld(run.world);
  const answers = await system.submitBatch(group.map(({ sent }) => sent));
  const now = new Date(system.nowMs()).toISOString();
  run.transcript.push(`  -- group at ${now}`, ...group.map((each, index) => told(each, answers[index])));
  stats.groups += 1;
  stats.commands += group.length;
  if (!(await explain(run, group, answers, () => compareState(run, group)))) {
    run.world = before;
    throw new Disagreement(describe(run, group, answers));
  }
  run.resolver.world = run.world;
}
