/**
 * A second opinion on every stock decision: one command after another, in memory, written from the domain's rules and
 * the HTTP contract alone. It is slow, small and has no clever part; where the engine disagrees, one of them is wrong.
 */
import { refuse } from './command.ts';
import type { Command, Observed, Outcome } from './command.ts';
import { cancel, changeLines, confirm, extend, release, reserve, ship } from './reservation.model.ts';
import {
  adjust,
  archiveProduct,
  bulkAdjust,
  levelSettings,
  transfer,
  updateLocation,
  updateProduct,
} from './stock.model.ts';
import { refreshAlerts } from './world.ts';
import type { World } from './world.ts';

export type { World } from './world.ts';

const KEY_LIFE_MS = 24 * 3_600_000;
/** A clock that runs while a command is on its way may be on either side of a key's end. */
const KEY_SLACK_MS = 5000;

/** A copy that shares nothing that a command may change. Ledger entries are never changed once written. */
export function copyWorld(world: World): World {
  return {
    ...structuredClone({ ...world, levels: undefined, keys: undefined }),
    keys: new Map(world.keys),
    levels: new Map(
      [...world.levels].map(([key, level]) => [
        key,
        { ...structuredClone({ ...level, ledger: [] }), ledger: [...level.ledger] },
      ]),
    ),
  };
}

/**
 * Applies one command at an instant of the database's clock. `observed` gives what only the answer knows: the ids of
 * new reservations in their order, and whether an answer that changed nothing was kept under its key.
 */
export function apply(world: World, command: Command, nowMs: number, observed: Observed): Outcome {
  world.now = Math.max(world.now, nowMs);
  const answer = world.applied;
  world.applied += 1;
  const { idempotencyKey: key, ...request } = command;
  const fingerprint = JSON.stringify(request);
  const stored = key === undefined ? undefined : world.keys.get(key);
  const age = world.now - (stored?.at ?? 0);
  const isKept = stored !== undefined && age < KEY_LIFE_MS + KEY_SLACK_MS;
  const isCertain = stored?.certain === true && age < KEY_LIFE_MS - KEY_SLACK_MS;
  if (isKept && (isCertain || observed.replayed || observed.code === 'idempotency_key_reused')) {
    if (stored.fingerprint !== fingerprint) return reusedKey(world, command, observed);
    return { ...stored.outcome, body: { kind: 'replay', of: stored.answer } } as Outcome;
  }

  const outcome = decide(world, command, observed);
  for (const level of world.levels.values()) refreshAlerts(world, level);
  // "Only effects are stored: a refused request changed nothing, and its key may be tried again."
  if (key !== undefined && outcome.ok) {
    world.keys.set(key, { fingerprint, answer, at: world.now, certain: outcome.changed, outcome });
  }
  // Where the system took the other reading, 200 as it was, it may have kept that.
  if (key !== undefined && !outcome.ok && outcome.orUnchanged === true && observed.code === null) {
    const unchanged: Outcome = { ok: true, status: 200, changed: false, body: { kind: 'none' } };
    world.keys.set(key, { fingerprint, answer, at: world.now, certain: false, outcome: unchanged });
  }
  return outcome;
}

/** A request of a wrong shape may be told that before its key is looked up. */
function reusedKey(world: World, command: Command, observed: Observed): Outcome {
  const alone = decide(copyWorld(world), command, observed);
  const isWrong = !alone.ok && alone.codes.includes('validation_failed');
  return refuse('idempotency_key_reused', ...(isWrong ? ['validation_failed'] : []));
}

function decide(world: World, command: Command, observed: Observed): Outcome {
  const ids = observed.ids.values();
  const newId = () => ids.next().value ?? `model-${world.applied}-${world.reservations.size}`;
  switch (command.op) {
    case 'reserve':
      return reserve(world, command.body, newId);
    case 'reserveOne': {
      const { quantity, location, ...rest } = command.body;
      const line = { sku: command.sku, quantity, ...(location === undefined ? {} : { location }) };
      return reserve(world, { lines: [line], ...rest }, newId);
    }
    case 'reserveBatch': {
      const results = command.body.reservations.map((body) => {
        const result = reserve(world, body, newId);
        for (const level of world.levels.values()) refreshAlerts(world, level);
        return result;
      });
      return {
        ok: true,
        status: 200,
        changed: results.some((result) => result.ok),
        body: { kind: 'results', results },
      };
    }
    case 'confirm':
      return confirm(world, command.id, command.body);
    case 'ship':
      return ship(world, command.id, command.body);
    case 'cancel':
      return cancel(world, command.id);
    case 'release':
      return release(world, command.sku, command.body.reservationId);
    case 'extend':
      return extend(world, command.id, command.body);
    case 'changeLines':
      return changeLines(world, command.id, command.body);
    case 'adjust':
      return adjust(world, command.sku, command.body);
    case 'bulkAdjust':
      return bulkAdjust(world, command.body, copyWorld);
    case 'transfer':
      return transfer(world, command.body);
    case 'levelSettings':
      return levelSettings(world, command.sku, command.location, command.body);
    case 'updateProduct':
      return updateProduct(world, command.sku, command.body);
    case 'archiveProduct':
      return archiveProduct(world, command.sku);
    case 'updateLocation':
      return updateLocation(world, command.code, command.body);
  }
}
