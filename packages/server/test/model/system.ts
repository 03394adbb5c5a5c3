/** What the harness drives, and what it keeps while it does. */
import type { Answer, Command, SettingsBody } from './command.ts';
import type { Json, Slack } from './compare.ts';
import type { Resolver } from './resolve.ts';
import { lapsedUnitsOf } from './world.ts';
import type { Location, World } from './world.ts';

/** What is tested: Holdfast over HTTP (adapter.ts), or a second model (selfcheck). */
export type SystemUnderTest = {
  /** Makes the products and puts the locations into this state. */
  prepare: (products: { sku: string; settings: SettingsBody }[], locations: Location[]) => Promise<void>;
  /** All in one tick, in order. */
  submitBatch: (commands: Command[]) => Promise<Answer[]>;
  /** The bodies of the API's answers. */
  readLevels: (sku: string) => Promise<Json[]>;
  readReservation: (id: string) => Promise<Json>;
  readLedger: (sku: string, location: string) => Promise<Json[]>;
  readAlerts: (sku: string) => Promise<Json[]>;
  /** The system's clock. One that stands still (`exactClock`) can be put on the very instant of an expiry. */
  nowMs: () => number;
  advanceTime: (ms: number) => Promise<void>;
  exactClock: boolean;
  /** Over HTTP a DELETE has no body to be read, so that it overtakes: there it goes alone. */
  archivesInOrder?: boolean;
  /** Releases every lapsed hold. Where it is given, nothing else sweeps, and every number is compared exactly. */
  sweep?: () => Promise<void>;
};

export type Stats = {
  commands: number;
  groups: number;
  /** Groups whose answers needed another order than that of arrival. */
  reordered: number;
  outcomes: Record<string, number>;
};

export const emptyStats = (): Stats => ({ commands: 0, groups: 0, reordered: 0, outcomes: {} });

/** No hold may lapse within this time of a group's start: a slow group must not meet its own expiry. */
export const GUARD_MS = 15_000;
/** A sweep is due "within a second, after a burst within 30 s". */
export const SWEEP_WAIT_MS = 35_000;

export type Run = {
  system: SystemUnderTest;
  world: World;
  resolver: Resolver;
  /** By the order in which the model applied their commands. */
  answers: Map<number, Answer>;
  stats: Stats;
  /** What was done so far, a line each. */
  transcript: string[];
  strict: boolean;
  /** Accepts any order within a group, not only that of arrival. */
  anyOrder: boolean;
};

export class Disagreement extends Error {
  override name = 'Disagreement';
}

/** Nothing where sweeps are the harness's own; see Slack. */
export function slackIn({ world, strict }: Run): (sku: string, location: string) => Slack {
  if (strict) return () => ({ down: 0, up: 0 });
  const slacks = new Map(
    [...world.levels.values()].map((level) => [
      `${level.sku} ${level.location}`,
      { down: lapsedUnitsOf(world, level), up: level.lazilyReleased },
    ]),
  );
  return (sku, location) => slacks.get(`${sku} ${location}`) ?? { down: 0, up: 0 };
}
