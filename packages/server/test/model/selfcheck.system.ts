/** A second model behind the harness's interface: it must agree with the first, and with a bug planted it must not. */
import type { Answer, Command, Outcome } from './command.ts';
import type { Json } from './compare.ts';
import type { apply } from './model.ts';
import type { SystemUnderTest } from './system.ts';
import type * as world from './world.ts';

/** The model's modules, as they are or with a bug in them. */
export type ModelModules = { apply: typeof apply } & Pick<
  typeof world,
  | 'addLocation'
  | 'addProduct'
  | 'emptyWorld'
  | 'levelOf'
  | 'levelView'
  | 'refreshAlerts'
  | 'reservationView'
  | 'sweepLapsed'
>;

const START_MS = Date.UTC(2026, 0, 1);
const STATUS: Record<string, number> = { validation_failed: 400, idempotency_key_reused: 422 };

export type SystemOptions = {
  /** Sweeps by itself on every third answer, as a background duty would, and offers no sweep of its own. */
  sweepsByItself?: boolean;
  /** Takes the commands of a group in this order instead of that of arrival. */
  arrange?: (places: number[]) => number[];
};

export function modelSystem(model: ModelModules, options: SystemOptions = {}): SystemUnderTest {
  const state = model.emptyWorld();
  state.now = START_MS;
  const answers: Answer[] = [];
  let made = 0;
  const newIds = () => Array.from({ length: 8 }, () => `r-${(made += 1)}`);

  const reservationBody = (id: string): Json => {
    const reservation = state.reservations.get(id);
    if (reservation === undefined) return {};
    const expiresAt = new Date(reservation.expiresAt).toISOString();
    return { ...model.reservationView(state, reservation), expiresAt, version: 1 };
  };

  const itemBody = (outcome: Outcome): Json => {
    if (!outcome.ok) return { code: outcome.codes[0], lines: outcome.lines, index: outcome.index };
    const { body } = outcome;
    if (body.kind === 'reservation') return { ...reservationBody(body.reservation.id), ...body.reservation };
    if (body.kind === 'movement') return structuredClone({ movement: body.movement, level: body.level });
    return body.kind === 'level' ? { ...body.level } : {};
  };

  const bodyOf = (outcome: Outcome): Json => {
    if (!outcome.ok || outcome.body.kind !== 'results') return itemBody(outcome);
    const { results } = outcome.body;
    const succeeded = results.filter((result) => result.ok).length;
    return {
      succeeded,
      failed: results.length - succeeded,
      results: results.map((result, index) => {
        if (!result.ok) return { index, ok: false, error: itemBody(result) };
        const body = itemBody(result);
        return { index, ok: true, ...(result.body.kind === 'reservation' ? { reservation: body } : body) };
      }),
    };
  };

  let reads = 0;
  const background = () => {
    if (options.sweepsByItself === true && (reads += 1) % 3 === 0) model.sweepLapsed(state);
  };

  const submit = (command: Command): Answer => {
    background();
    const outcome = model.apply(state, command, state.now, { ids: newIds(), replayed: false, code: null });
    const replayed = outcome.ok && outcome.body.kind === 'replay' ? answers[outcome.body.of] : undefined;
    const status = outcome.ok
      ? outcome.status
      : (outcome.status ?? STATUS[outcome.codes[0] ?? ''] ?? statusOf(outcome.codes[0] ?? ''));
    const answer =
      replayed === undefined ? { status, replayed: false, body: bodyOf(outcome) } : { ...replayed, replayed: true };
    answers.push(answer);
    return answer;
  };

  return {
    exactClock: true,
    prepare: async (products, locations) => {
      for (const { sku, settings } of products) model.addProduct(state, sku, settings);
      for (const { code, ...fields } of locations) model.addLocation(state, code, fields);
    },
    submitBatch: async (commands) => {
      const places = [...commands.keys()];
      const taken: Answer[] = [];
      for (const place of options.arrange?.(places) ?? places) {
        const command = commands[place];
        if (command !== undefined) taken[place] = submit(command);
      }
      return taken;
    },
    readLevels: async (sku) => {
      background();
      return [...state.levels.values()]
        .filter((level) => level.sku === sku && state.locations.has(level.location))
        .map((level) => ({ ...model.levelView(state, level), version: level.version }));
    },
    readReservation: async (id) => reservationBody(id),
    readLedger: async (sku, location) => model.levelOf(state, sku, location).ledger.map((entry) => ({ ...entry })),
    readAlerts: async (sku) =>
      [...state.levels.values()]
        .filter((level) => level.sku === sku)
        .flatMap((level) =>
          Object.entries(level.alerts).flatMap(([type, { open, opened }]) =>
            Array.from({ length: opened }, (_, index) => ({
              type,
              location: level.location,
              status: open && index === opened - 1 ? 'active' : 'resolved',
            })),
          ),
        ),
    nowMs: () => state.now,
    advanceTime: async (ms) => {
      state.now += ms;
    },
    ...(options.sweepsByItself === true ? {} : { sweep: async () => model.sweepLapsed(state) }),
  };
}

const statusOf = (code: string): number => (code.endsWith('_not_found') ? 404 : 409);
