import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  ANSWER_WITHIN_MS,
  answerAll,
  endPatience,
  levelBusy,
  patientOf,
  stillInTime,
  type Pending,
} from './batch.pending.ts';
import { META } from './stock.fixture.ts';

const NOW_MS = 1_000_000;

/** What each was answered, in order. */
let said: string[];

beforeEach(() => {
  said = [];
  vi.spyOn(performance, 'now').mockReturnValue(NOW_MS);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** One that came so long ago. */
function pending(name: string, agoMs = 0, more: Partial<Pending> = {}): Pending {
  const say = (what: string): void => void said.push(`${name} ${what}`);
  return {
    command: { kind: 'cancel', id: name, reason: null },
    meta: META,
    place: 0,
    weight: 1,
    holds: [],
    asks: [],
    deadlineMs: NOW_MS - agoMs + ANSWER_WITHIN_MS,
    attempts: 0,
    knownAt: 1,
    resolve: ({ status }) => say(String(status)),
    reject: (error) => say((error as { code?: string }).code ?? (error as Error).message),
    ...more,
  };
}
const idsOf = (batch: Pending[]): unknown[] => batch.map(({ command }) => 'id' in command && command.id);

test('who has waited too long or too often is turned away, with whatever is the matter; the others are kept', () => {
  const late = pending('late', ANSWER_WITHIN_MS);
  const batch = [late, pending('early'), pending('often', 0, { attempts: 40 }), pending('seldom', 0, { attempts: 39 })];
  expect(idsOf(stillInTime(batch))).toEqual(['early', 'seldom']);
  expect(stillInTime([late], levelBusy)).toEqual([]);
  expect(idsOf(stillInTime([pending('a', 300)], levelBusy, 3_999))).toEqual(['a']);
  expect(stillInTime([pending('b', 300)], levelBusy, 4_000)).toEqual([]);
  expect(said).toEqual(['late database_unavailable', 'often database_unavailable', 'late level_busy', 'b level_busy']);
});

test('a sweep does not stand in line for a level that is held, and all others start afresh', () => {
  const aside = [pending('a', 0, { attempts: 7 }), pending('b', 0, { command: { kind: 'expire', id: 'b' } })];
  const patient = patientOf(aside);
  expect(patient.map(({ command, attempts }) => [command.kind, attempts])).toEqual([['cancel', 0]]);
  expect(said).toEqual(['b level_busy']);
});

test('who has waited long for levels that are locked here gets in line for them', () => {
  const queue = [pending('a', 25), pending('free', 25), pending('b', 25), pending('young', 24)];
  endPatience(queue, (one) => one === queue[1]);
  expect(queue.map(({ knownAt }) => knownAt)).toEqual([null, 1, null, 1]);
});

test('each is answered what became of it, and nobody is left without an answer', () => {
  const batch = ['done', 'refused', 'forgotten'].map((name) => pending(name));
  answerAll(batch, [{ answer: { status: 201, body: null } }, { problem: levelBusy() }]);
  expect(said).toEqual(['done 201', 'refused level_busy', 'forgotten a command was not decided']);
});
