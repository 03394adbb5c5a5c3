import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Verdict } from './readiness.rules.ts';
import { ReadinessWatch, type Missed } from './readiness.watch.ts';

type Answer = 'ready' | 'frozen' | 'unreachable' | 'hanging';

const READY = { is: 'ready' };
const FROZEN = { is: 'unready', because: 'The database does not answer.' };
const SILENT = { is: 'silent' };

function answered(answer: Answer, signal: AbortSignal): Promise<Response> {
  if (answer === 'ready') return Promise.resolve(Response.json({ status: 'ok' }));
  if (answer === 'frozen') return Promise.resolve(Response.json({ reasons: [FROZEN.because] }, { status: 503 }));
  if (answer === 'unreachable') return Promise.reject(new TypeError('Failed to fetch'));
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new DOMException('too late', 'AbortError'))),
  );
}

/** A watch of a service that is as `now.answer` says, in a tab that is looked at as `now.isSeen` says. Chance is 0. */
function watched() {
  const now: { answer: Answer; isSeen: boolean } = { answer: 'ready', isSeen: true };
  const askedAtMs: number[] = [];
  const verdicts: Verdict[] = [];
  const backs: Missed[] = [];
  const startedMs = performance.now();
  const watch = new ReadinessWatch({
    ask: (signal) => {
      askedAtMs.push(performance.now() - startedMs);
      return answered(now.answer, signal);
    },
    onVerdict: (verdict) => verdicts.push(verdict),
    isSeen: () => now.isSeen,
    random: () => 0,
  });
  watch.onBack((missed) => backs.push(missed));
  return { watch, now, askedAtMs, verdicts, backs };
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('while all is well it asks every six seconds, and nothing is missed', async () => {
  const { watch, askedAtMs, verdicts, backs } = watched();
  watch.start();
  await pass(18_000);
  expect(askedAtMs).toEqual([6_000, 12_000, 18_000]);
  expect(verdicts).toEqual([READY, READY, READY]);
  expect(backs).toEqual([]);
});

test('a frozen database is told at the second miss, asked after with growing pauses, and back once it is ready', async () => {
  const { watch, now, askedAtMs, verdicts, backs } = watched();
  watch.start();
  now.answer = 'frozen';
  await pass(6_599);
  expect(verdicts).toEqual([]);
  await pass(1);
  expect(verdicts).toEqual([FROZEN]);
  await pass(3_750);
  expect(askedAtMs).toEqual([6_000, 6_600, 8_100, 10_350]);
  expect(backs).toEqual([]);
  now.answer = 'ready';
  await pass(3_375);
  expect(verdicts).toEqual([FROZEN, FROZEN, FROZEN, READY]);
  expect(backs).toEqual(['unready']);
  await pass(6_000);
  expect(askedAtMs.slice(4)).toEqual([13_725, 19_725]);
  expect(backs).toEqual(['unready']);
});

test('one miss alone is told nobody', async () => {
  const { watch, now, verdicts, backs } = watched();
  watch.start();
  now.answer = 'unreachable';
  await pass(6_000);
  now.answer = 'ready';
  await pass(600);
  expect(verdicts).toEqual([READY]);
  expect(backs).toEqual([]);
});

test('who does not answer within six seconds is silent, and so is what was missed', async () => {
  const { watch, now, verdicts, backs } = watched();
  watch.start();
  now.answer = 'hanging';
  await pass(6_000 + 6_000 + 600 + 5_999);
  expect(verdicts).toEqual([]);
  await pass(1);
  expect(verdicts).toEqual([SILENT]);
  // It is starting: there, and not ready. The silence before is not forgotten.
  now.answer = 'frozen';
  await pass(1_500);
  now.answer = 'ready';
  await pass(2_250);
  expect(verdicts).toEqual([SILENT, FROZEN, READY]);
  expect(backs).toEqual(['silent']);
});

test('a tab that nobody looks at asks nothing, and asks at once when somebody does', async () => {
  const { watch, now, askedAtMs } = watched();
  watch.start();
  now.isSeen = false;
  watch.reconsider();
  await pass(600_000);
  expect(askedAtMs).toEqual([]);
  now.isSeen = true;
  watch.reconsider();
  await pass(0);
  expect(askedAtMs).toEqual([600_000]);
  watch.stop();
  await pass(600_000);
  expect(askedAtMs).toHaveLength(1);
});

test('a request that is refused has it asked at once, and counts as the first miss', async () => {
  const { watch, now, askedAtMs, verdicts } = watched();
  watch.start();
  now.answer = 'frozen';
  watch.heardRefusal();
  await pass(0);
  expect([askedAtMs, verdicts]).toEqual([[0], [FROZEN]]);
  // An outage that is known keeps its pace, however much else is refused.
  for (let other = 0; other < 10; other += 1) watch.heardRefusal();
  await pass(1_500);
  expect(askedAtMs).toEqual([0, 1_500]);
});

test('too much to do is refused, too, and is no outage', async () => {
  const { watch, askedAtMs, verdicts, backs } = watched();
  watch.start();
  for (let tenth = 0; tenth < 19; tenth += 1) {
    watch.heardRefusal();
    await pass(100);
  }
  // Asked once a second at most.
  expect(askedAtMs).toEqual([0, 1_000]);
  expect(verdicts).toEqual([READY, READY]);
  expect(backs).toEqual([]);
});

test('a request without an answer is an outage, be it ever so short', async () => {
  const { watch, backs } = watched();
  watch.start();
  watch.heardNothing();
  await pass(0);
  expect(backs).toEqual(['silent']);
});

test('a good answer in an outage has it asked at once; while all is well it asks nothing', async () => {
  const { watch, now, askedAtMs, backs } = watched();
  watch.start();
  watch.heardAnswer();
  await pass(1_000);
  expect(askedAtMs).toEqual([]);
  now.answer = 'frozen';
  await pass(30_000);
  const asked = askedAtMs.length;
  now.answer = 'ready';
  await pass(1_000);
  expect(askedAtMs).toHaveLength(asked);
  watch.heardAnswer();
  await pass(0);
  expect(backs).toEqual(['unready']);
});
