import { expect, test } from 'vitest';
import { digestOf, type Read, type Reader } from './readers.ts';
import { checkReader } from './stream.checks.ts';

const entry = (position: number, seq: number, onHand = 5): Read => ({
  position,
  type: 'stock.changed',
  subject: 'A',
  digest: digestOf({ seq, onHand }),
  level: 'A WH',
  seq,
  version: null,
});
const reservation = (position: number, version: number): Read => ({
  position,
  type: 'reservation.changed',
  subject: 'r-1',
  digest: digestOf({ version }),
  level: null,
  seq: null,
  version,
});

const ALL = [entry(2, 12), reservation(3, 1), entry(5, 15), reservation(6, 2)];
const EXPECTED = new Map(ALL.map(({ type, position, digest }) => [`${type} at ${position}`, digest]));

function rulesBrokenBy(events: Read[], more: Partial<Reader> = {}): string[] {
  const reader: Reader = {
    name: 'r',
    events,
    strays: [],
    failures: [],
    connections: 1,
    stop: () => Promise.resolve(),
    ...more,
  };
  return checkReader(reader, EXPECTED).map(({ rule }) => rule);
}

test('a reader who has everything breaks no rule', () => {
  expect(rulesBrokenBy(ALL)).toEqual([]);
});

test.each<[string, Read[], string]>([
  ['an event is missing', ALL.slice(1), 'r: nothing that was committed is missing (1)'],
  ['an event is told that is not there', [...ALL, entry(9, 19)], 'r: nothing was told that was not committed (1)'],
  [
    'an event says something else',
    [entry(2, 12, 6), ...ALL.slice(1)],
    'r: every event is what the ledger and the journal say (1)',
  ],
  ['an event comes twice', [...ALL, reservation(6, 2)], 'r: each event was read once'],
  [
    'the entries of a level are in the wrong order',
    [entry(2, 15), reservation(3, 1), entry(5, 12), reservation(6, 2)],
    'r: the entries of a level come in the order of the ledger (1)',
  ],
  [
    'the changes of a reservation are in the wrong order',
    [entry(2, 12), reservation(3, 2), entry(5, 15), reservation(6, 1)],
    'r: what happens to a reservation comes in the order in which it happened (1)',
  ],
])('it is seen when %s', (_name, events, rule) => {
  expect(rulesBrokenBy(events)).toContain(rule);
});

test('it is seen when a position comes again, and when a connection fails', () => {
  expect(rulesBrokenBy(ALL, { strays: ['stock.changed 12 at 2, after 6'] })).toEqual([
    'r: no event came twice or out of order (1)',
  ]);
  expect(rulesBrokenBy(ALL, { failures: ['unauthorized'] })).toEqual([
    'r: no connection ended in a way that no reader expects (1)',
  ]);
});

test('equal data is equal, however its keys are ordered', () => {
  expect(digestOf({ a: [1, { b: null, c: 'x' }] })).toBe(digestOf({ a: [1, { c: 'x', b: null }] }));
  expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
});
