/** Compares what the system shows with the model's state: after each group, and whole at the end of a history. */
import { compareLedger, compareLevel, compareReservation } from './compare.ts';
import type { Json } from './compare.ts';
import type { Resolved } from './resolve.ts';
import { Disagreement, SWEEP_WAIT_MS, slackIn } from './system.ts';
import type { Run, SystemUnderTest } from './system.ts';
import { availableOf, hasLapsed, levelOf, levelView, reservationView, settingsOf, sweepLapsed } from './world.ts';
import type { AlertType, Level, World } from './world.ts';

export async function compareState(run: Run, group: Resolved[]): Promise<void> {
  const difference =
    (await levelDifference(run)) ??
    (await reservationDifference(run, new Set(group.map(({ sent }) => ('id' in sent ? sent.id : '')))));
  if (difference === null) return;
  const commands = group.map(({ sent }) => `    ${JSON.stringify(sent)}`).join('\n');
  throw new Disagreement(`${difference}\n  after the group:\n${commands}`);
}

async function levelDifference(run: Run): Promise<string | null> {
  const { world, system } = run;
  const slackOf = slackIn(run);
  const all = await Promise.all(
    [...world.products.keys()].map(async (sku) => [sku, await system.readLevels(sku)] as const),
  );
  for (const [sku, levels] of all) {
    for (const location of world.locations.keys()) {
      const view = levelView(world, levelOf(world, sku, location));
      const actual = levels.find((level) => level['location'] === location);
      // Settings of a level that has no row are the product's, listed or not.
      const difference = actual === undefined ? unlisted(view) : compareLevel(view, actual, slackOf);
      if (difference !== null) return `${sku} at ${location}: ${difference}`;
    }
  }
  return null;
}

const unlisted = (view: { onHand: number; reserved: number; committed: number }): string | null =>
  view.onHand + view.reserved + view.committed === 0 ? null : `expected ${JSON.stringify(view)}, got no level`;

async function reservationDifference({ world, system }: Run, ids: Set<string>): Promise<string | null> {
  const known = [...world.reservations.values()].filter(({ id }) => ids.has(id));
  const views = await Promise.all(known.map(async ({ id }) => system.readReservation(id)));
  for (const [index, reservation] of known.entries()) {
    const difference = compareReservation(reservationView(world, reservation), views[index] ?? {});
    if (difference !== null) return `reservation ${reservation.id}: ${difference}`;
  }
  return null;
}

/** The end of a history: everything lapsed comes back, and then every number, entry and alert must agree. */
export async function settle(run: Run): Promise<void> {
  const { world, system } = run;
  world.now = system.nowMs();
  const lapsed = [...world.reservations.values()].filter((each) => hasLapsed(world, each));
  const versions = await Promise.all(lapsed.map(async ({ id }) => (await system.readReservation(id))['version']));
  await (system.sweep === undefined ? awaitSweep(run) : system.sweep());
  sweepLapsed(world);
  const difference =
    (await levelDifference(run)) ??
    (await reservationDifference(run, new Set(world.reservations.keys()))) ??
    (await versionDifference(
      run,
      lapsed.map(({ id }) => id),
      versions,
    )) ??
    (await ledgerDifference(run)) ??
    (await alertDifference(run));
  if (difference !== null) throw new Disagreement(`at the end of the history: ${difference}`);
}

async function awaitSweep(run: Run): Promise<void> {
  sweepLapsed(run.world);
  const deadline = performance.now() + SWEEP_WAIT_MS;
  while ((await levelDifference(run)) !== null && performance.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** "A lapsed hold already carries the version that its release will write." */
async function versionDifference({ system }: Run, ids: string[], before: unknown[]): Promise<string | null> {
  const after = await Promise.all(ids.map(async (id) => (await system.readReservation(id))['version']));
  const index = after.findIndex((version, at) => version !== before[at]);
  if (index < 0) return null;
  return `reservation ${ids[index]}: version ${String(before[index])} when lapsed, ${String(after[index])} when released`;
}

async function ledgerDifference({ world, system, strict, anyOrder }: Run): Promise<string | null> {
  const ledgers = await Promise.all(
    [...world.levels.values()].map(async (level) => ({ level, entries: await ledgerOf(world, system, level) })),
  );
  for (const { level, entries } of ledgers) {
    const difference = compareLedger(level.ledger, entries, { strict, anyOrder });
    if (difference !== null) return `ledger of ${level.sku} at ${level.location}: ${difference}`;
  }
  return null;
}

/** The model makes a level as soon as it looks at a name, known or not. */
async function ledgerOf(world: World, system: SystemUnderTest, level: Level): Promise<Json[]> {
  const known = world.products.has(level.sku) && world.locations.has(level.location);
  return known ? system.readLedger(level.sku, level.location) : [];
}

async function alertDifference({ world, system, strict: exact, anyOrder }: Run): Promise<string | null> {
  // How often an alert opened depends on the order of the commands within a group.
  const strict = exact && !anyOrder;
  for (const sku of world.products.keys()) {
    const alerts = await system.readAlerts(sku);
    for (const level of [...world.levels.values()].filter((each) => each.sku === sku)) {
      for (const [type, expected] of Object.entries(level.alerts) as [AlertType, { open: boolean; opened: number }][]) {
        // A level whose stock was never enough to be available: "never above 0" has two readings.
        if (level.everOnHand !== level.everAvailable && type !== 'overstock' && type !== 'shortage') continue;
        const actual = alerts.filter((alert) => alert['location'] === level.location && alert['type'] === type);
        const open = actual.filter((alert) => alert['status'] !== 'resolved').length;
        const counts = strict
          ? { open: expected.open ? 1 : 0, opened: expected.opened }
          : { open: expected.open ? 1 : 0 };
        const got = strict ? { open, opened: actual.length } : { open };
        if (JSON.stringify(counts) === JSON.stringify(got)) continue;
        const numbers = {
          ...levelView(world, level),
          available: availableOf(world, level),
          ...settingsOf(world, level),
        };
        return `alert ${type} of ${sku} at ${level.location}: expected ${JSON.stringify(counts)}, got ${JSON.stringify(got)}; ${JSON.stringify(numbers)}`;
      }
    }
  }
  return null;
}
