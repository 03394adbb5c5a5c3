/** Makes commands of templates: aliases become names, picks become ids, guards become numbers, keys become keys. */
import { QUANTITY_MAX, lapsedUnitsOf, levelOf, openUnits, statusOf } from './world.ts';
import type { Command, CommandOf, ShipLine } from './command.ts';
import type { KeyUse, Pick, Template } from './generate.ts';
import type { World } from './world.ts';

/** The same command twice: the system's level versions are its own numbers, the model has others. */
export type Resolved = { sent: Command; modelled: Command };

export type Names = { sku: (alias: string) => string; location: (alias: string) => string };

export type Resolver = {
  names: Names;
  world: World;
  /** Every command that was sent with a key, oldest first. */
  keyed: Resolved[];
  keyPrefix: string;
  nowMs: number;
  versionOf: (sku: string, location: string) => Promise<number>;
};

const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

/** All of a group, in order: a repeat may repeat a command of its own group. */
export async function resolveGroup(resolver: Resolver, templates: Template[]): Promise<Resolved[]> {
  const resolved: Resolved[] = [];
  for (const template of templates) {
    const key = template.key;
    const repeated = key?.kind === 'repeat' ? pickFrom(resolver.keyed, key.nth) : undefined;
    const fresh = repeated ?? withKey(resolver, await resolveOne(resolver, template, resolved), key);
    if (fresh.sent.idempotencyKey !== undefined && repeated === undefined) resolver.keyed.push(fresh);
    resolved.push(fresh);
  }
  return resolved;
}

function withKey(resolver: Resolver, { sent, modelled }: Resolved, key: KeyUse | undefined): Resolved {
  if (key === undefined) return { sent, modelled };
  const clash = key.kind === 'clash' ? pickFrom(resolver.keyed, key.nth)?.sent.idempotencyKey : undefined;
  const idempotencyKey = clash ?? `${resolver.keyPrefix}-${resolver.keyed.length}`;
  return { sent: { ...sent, idempotencyKey }, modelled: { ...modelled, idempotencyKey } };
}

/** The latest ones are the likeliest to still matter. */
function pickFrom<T>(items: T[], nth: number): T | undefined {
  const recent = nth % 4 === 0 ? items.length : Math.min(items.length, 10);
  return items[items.length - 1 - (nth % Math.max(1, recent))];
}

async function resolveOne(resolver: Resolver, template: Template, before: Resolved[]): Promise<Resolved> {
  const command = withNames(resolver.names, withIds(resolver.world, template.command));
  if (template.expiresInMs !== undefined && (command.op === 'reserve' || command.op === 'extend')) {
    command.body.expiresAt = new Date(resolver.nowMs + template.expiresInMs).toISOString();
  }
  if (command.op === 'ship' && template.shipLines !== undefined) {
    command.body = shipBody(resolver.world, command.id, template.shipLines);
  }
  if (command.op !== 'adjust') return { sent: command, modelled: command };
  const level = levelOf(resolver.world, command.sku, command.body.location);
  if (template.onHandPlus !== undefined)
    command.body.expectedOnHand = Math.min(QUANTITY_MAX, level.onHand + template.onHandPlus);
  const guard = template.expectedVersion;
  if (guard === undefined || !versionIsCertain(resolver.world, command, before)) {
    return { sent: command, modelled: command };
  }
  const version = await resolver.versionOf(command.sku, command.body.location);
  const [sent, modelled] = guard === 'current' ? [version, level.version] : [version + 1000, -1];
  return {
    sent: { ...command, body: { ...command.body, expectedVersion: sent } },
    modelled: { ...command, body: { ...command.body, expectedVersion: modelled } },
  };
}

function shipBody(world: World, id: string, picks: NonNullable<Template['shipLines']>): { lines?: ShipLine[] } {
  const own = world.reservations.get(id)?.lines ?? [];
  const lines = picks.flatMap(({ nth, plus }): ShipLine[] => {
    const line = own[nth % Math.max(1, own.length)];
    if (line === undefined || line.location === null) return [];
    return [{ sku: line.sku, location: line.location, quantity: Math.max(1, openUnits(line) + plus) }];
  });
  return lines.length === 0 ? {} : { lines };
}

/** A sweep may raise a version at any time, and whether unchanged settings raise it is nobody's contract. */
function versionIsCertain(world: World, command: Command & { op: 'adjust' }, before: Resolved[]): boolean {
  const { sku, body } = command;
  if (!world.products.has(sku) || !world.locations.has(body.location)) return false;
  if (lapsedUnitsOf(world, levelOf(world, sku, body.location)) > 0) return false;
  return !before.some(({ sent }) => (sent.op === 'updateProduct' || sent.op === 'levelSettings') && sent.sku === sku);
}

function withIds(world: World, command: CommandOf<Pick>): Command {
  if (command.op === 'release') {
    return { ...command, body: { reservationId: idOf(world, command.body.reservationId) } };
  }
  if (!('id' in command)) return structuredClone(command);
  return structuredClone({ ...command, id: idOf(world, command.id) });
}

function idOf(world: World, { want, nth }: Pick): string {
  const all = [...world.reservations.values()];
  const fits = (status: string) =>
    want === 'any' ||
    status === want ||
    (want === 'lapsed' && status === 'expired') ||
    (want === 'done' && (status === 'shipped' || status === 'cancelled'));
  const fitting = all.filter((reservation) => fits(statusOf(world, reservation)));
  if (want === 'unknown') return UNKNOWN_ID;
  return (pickFrom(fitting, nth) ?? pickFrom(all, nth))?.id ?? UNKNOWN_ID;
}

/** Replaces every alias, wherever it stands. */
function withNames<T>(names: Names, value: T): T {
  const renamed = (each: unknown): unknown => {
    if (typeof each === 'string' && /^P\d$/.test(each)) return names.sku(each);
    if (typeof each === 'string' && /^L\d$/.test(each)) return names.location(each);
    if (Array.isArray(each)) return each.map(renamed);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, renamed(inner)]));
  };
  return renamed(value) as T;
}
