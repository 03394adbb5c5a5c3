/** Compares what the system said and shows with what the model expects. Each answers null, or what differs. */
import { statusOfCode } from './command.ts';
import type {
  Answer,
  EntryView,
  LevelView,
  LineView,
  Outcome,
  Refusal,
  ReservationView,
  ShortLine,
} from './command.ts';

export type Json = Record<string, unknown>;

/**
 * How far the system's reserved may be from the model's: where a background sweep runs, lapsed units may have come back
 * earlier (`down`), or other lapsed lines than the model's may have been released (`up`).
 */
export type Slack = { down: number; up: number };

export type Context = {
  /** The answers so far, by the order in which the model applied their commands. */
  answers: Map<number, Answer>;
  slackOf: (sku: string, location: string) => Slack;
};

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asObject = (value: unknown): Json => (isObject(value) ? value : {});

export const asList = (value: unknown): Json[] => (Array.isArray(value) ? value.map(asObject) : []);

const shown = (value: unknown) => JSON.stringify(value);

const differs = (what: string, expected: unknown, actual: unknown): string | null =>
  shown(expected) === shown(actual) ? null : `${what}: expected ${shown(expected)}, got ${shown(actual)}`;

const firstOf = (checks: (string | null)[]): string | null => checks.find((check) => check !== null) ?? null;

export function compareAnswer(expected: Outcome, answer: Answer, context: Context): string | null {
  const body = asObject(answer.body);
  if (!expected.ok) return compareRefusal(expected, answer.status, body) ?? differs('replayed', false, answer.replayed);
  if (expected.body.kind === 'replay') {
    const { status, body: stored } = context.answers.get(expected.body.of) ?? answer;
    return firstOf([
      differs('replayed', true, answer.replayed),
      differs('status', status, answer.status),
      differs('body', stored, answer.body),
    ]);
  }
  if (answer.status !== expected.status) {
    return `expected ${expected.status}, got ${answer.status} ${shown(answer.body)}`;
  }
  return differs('replayed', false, answer.replayed) ?? compareBody(expected, body, context);
}

function compareBody(expected: Outcome & { ok: true }, body: Json, context: Context): string | null {
  const { body: wanted } = expected;
  switch (wanted.kind) {
    case 'none':
    case 'replay':
      return null;
    case 'reservation':
      return compareReservation(wanted.reservation, body);
    case 'level':
      return compareLevel(wanted.level, body, context.slackOf);
    case 'movement':
      return (
        compareLevel(wanted.level, asObject(body['level']), context.slackOf) ??
        compareEntry(
          wanted.movement,
          asObject(body['movement']),
          context.slackOf(wanted.level.sku, wanted.level.location),
        )
      );
    case 'results':
      return compareResults(wanted.results, body, context);
  }
}

function compareResults(expected: Outcome[], body: Json, context: Context): string | null {
  const results = asList(body['results']);
  const succeeded = expected.filter((each) => each.ok).length;
  return firstOf([
    differs('results', expected.length, results.length),
    ...expected.map((each, index) => {
      const result = results[index] ?? {};
      const error = asObject(result['error']);
      const difference = firstOf([
        differs('index', index, result['index']),
        differs(`ok (error ${shown(error)})`, each.ok, result['ok']),
        each.ok
          ? compareBody(each, each.body.kind === 'reservation' ? asObject(result['reservation']) : result, context)
          : compareRefusal(each, statusOfCode(String(error['code'])), error),
      ]);
      return difference === null ? null : `result ${index}: ${difference}`;
    }),
    differs('succeeded', succeeded, body['succeeded']),
    differs('failed', expected.length - succeeded, body['failed']),
  ]);
}

function compareRefusal(expected: Refusal, status: number, body: Json): string | null {
  const code = String(body['code']);
  if (expected.orUnchanged === true && (status === 200 || status === 204)) return null;
  if (!expected.codes.includes(code) || status !== (expected.status ?? statusOfCode(code))) {
    return `expected refusal ${expected.codes.join(' or ')}, got ${status} ${shown(body)}`;
  }
  return firstOf([
    expected.index === undefined ? null : differs('index', expected.index, body['index']),
    expected.lines === undefined ? null : compareShortLines(expected.lines, asList(body['lines'])),
  ]);
}

function compareShortLines(expected: ShortLine[], actual: Json[]): string | null {
  const plain = (line: Json | ShortLine) => {
    const { sku, location, requested, available } = line;
    return shown({ sku, location, requested, available });
  };
  return differs('short lines', expected.map(plain).toSorted(), actual.map(plain).toSorted());
}

export function compareReservation(expected: ReservationView, actual: Json): string | null {
  const lines = asList(actual['lines']);
  return firstOf([
    differs('id', expected.id, actual['id']),
    differs('status', expected.status, actual['status']),
    differs('number of lines', expected.lines.length, lines.length),
    ...expected.lines.map((line, index) => compareLine(line, lines[index] ?? {}, index, expected.status)),
  ]);
}

/** Left open: where a sourced line that got nothing stands, and what `requested` of later pieces is. */
function compareLine(line: LineView, actual: Json, index: number, status: string): string | null {
  const { sku, location, quantity, requested, shipped, cancelled } = line;
  const nowhere = location === null && quantity === 0;
  const expected = {
    sku,
    ...(nowhere ? {} : { location }),
    quantity,
    ...(requested === 0 ? {} : { requested }),
    shipped,
    ...(status === 'expired' ? {} : { cancelled }),
  };
  const same = Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]));
  return differs(`line ${index}`, expected, same);
}

/** The numbers that follow from `reserved` are checked against the system's own `reserved`, within the slack. */
export function compareLevel(
  expected: LevelView,
  actual: Json,
  slackOf: (sku: string, location: string) => Slack,
): string | null {
  const reserved = Number(actual['reserved']);
  const off = reserved - expected.reserved;
  const slack = slackOf(expected.sku, expected.location);
  const { active: _notShown, ...shownFields } = expected;
  const wanted =
    off >= -slack.down && off <= slack.up
      ? { ...shownFields, reserved, ...followingFrom(expected, reserved) }
      : shownFields;
  const same = Object.fromEntries(Object.keys(wanted).map((key) => [key, actual[key]]));
  return differs('level', wanted, same);
}

function followingFrom(level: LevelView, reserved: number): { available: number; shortage: number } {
  const shortage = Math.max(0, reserved + level.committed - level.onHand);
  const available = level.onHand - reserved - level.committed - level.safetyStock;
  return { shortage, available: level.active ? Math.max(0, available) : 0 };
}

export function compareEntry(expected: EntryView, actual: Json, slack: Slack): string | null {
  const off = Number(actual['reserved']) - expected.reserved;
  const reserved = off >= -slack.down && off <= slack.up ? actual['reserved'] : expected.reserved;
  const wanted = { ...expected, reserved, reference: plainReference(expected.reference) };
  const same = {
    ...Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]])),
    reference: plainReference(actual['reference']),
  };
  return differs('movement', wanted, same);
}

/** A transfer's id is the system's own; every other reference is compared whole. */
function plainReference(reference: unknown): unknown {
  if (!isObject(reference)) return null;
  return reference['type'] === 'transfer' ? 'transfer' : `${String(reference['type'])} ${String(reference['id'])}`;
}

type Merged = { type: string; reference: unknown; deltas: number[]; after: number[] };

/** Neighbours of one cause become one: whether a command writes one entry or several per level is not compared. */
function merged(entries: Json[], withReserved: boolean): Merged[] {
  const all: Merged[] = [];
  for (const entry of entries) {
    const deltas = ['deltaOnHand', 'deltaReserved', 'deltaCommitted'].map((key) => Number(entry[key]));
    const after = ['onHand', 'committed', ...(withReserved ? ['reserved'] : [])].map((key) => Number(entry[key]));
    const next = { type: String(entry['type']), reference: plainReference(entry['reference']), deltas, after };
    const last = all.at(-1);
    const joins = last?.type === next.type && last.type === 'expire' && last.reference === next.reference;
    if (joins) all[all.length - 1] = { ...next, deltas: next.deltas.map((delta, i) => delta + (last.deltas[i] ?? 0)) };
    else all.push(next);
  }
  return all;
}

export type LedgerPrecision = {
  /** When lapsed units came back, and in which pieces, is compared too. */
  strict: boolean;
  /** Commands of a group may have taken effect in another order than that of arrival. */
  anyOrder: boolean;
};

export function compareLedger(expected: EntryView[], actual: Json[], precision: LedgerPrecision): string | null {
  const { strict, anyOrder } = precision;
  const prepared = (entries: Json[]) => {
    const all = merged(strict ? entries : entries.filter((entry) => entry['type'] !== 'expire'), strict);
    if (!anyOrder) return all;
    return all
      .filter(({ type }) => type !== 'expire')
      .map((entry) => ({ ...entry, after: [] }))
      .toSorted((a, b) => (shown(a) < shown(b) ? -1 : 1));
  };
  const wanted = prepared(expected);
  const got = prepared(actual);
  return firstOf([
    ...wanted.map((entry, index) => differs(`ledger entry ${index}`, entry, got[index])),
    differs('ledger entries', wanted.length, got.length),
    differs('expired units', expiredUnits(expected), expiredUnits(actual)),
    chainBreak(actual),
  ]);
}

function expiredUnits(entries: Json[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const entry of entries.filter(({ type }) => type === 'expire')) {
    const key = String(plainReference(entry['reference']));
    sums.set(key, (sums.get(key) ?? 0) + Number(entry['deltaReserved']));
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Invariant 3: each balance is the one before plus the delta; `seq` rises. */
function chainBreak(entries: Json[]): string | null {
  const balances = { onHand: 0, reserved: 0, committed: 0 };
  let seq = -Infinity;
  for (const [index, entry] of entries.entries()) {
    balances.onHand += Number(entry['deltaOnHand']);
    balances.reserved += Number(entry['deltaReserved']);
    balances.committed += Number(entry['deltaCommitted']);
    const { onHand, reserved, committed } = entry;
    const broken = differs(`balances after ledger entry ${index}`, balances, { onHand, reserved, committed });
    if (broken !== null) return broken;
    if (entry['seq'] !== undefined && Number(entry['seq']) <= seq) return `seq of ledger entry ${index} does not rise`;
    seq = Number(entry['seq'] ?? seq);
  }
  return null;
}
