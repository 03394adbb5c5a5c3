import { describe, expect, it } from 'vitest';
import { RuleTally } from './rule.tally.ts';
import { TopSketch } from './top.sketch.ts';

/** The beginning of a minute. */
const START_MS = 1_795_000_020_000;

describe('a tally', () => {
  const counting = () => {
    const tally = new RuleTally();
    const count = (subject: string, afterMs: number, allowed = false): void =>
      tally.count({ allowed, shadow: false, subject } as never, START_MS + afterMs);
    const drained = () => {
      const report = tally.drain();
      if (report === null) return null;
      const { steps, minuteMs, subjects, notices } = report;
      return {
        steps: steps.map(({ atMs, allowed, refused }) => [atMs - START_MS, allowed, refused]),
        minute: minuteMs - START_MS,
        subjects: subjects.length,
        told: notices.map((notice) => [notice.subject, notice.minuteMs - START_MS]),
      };
    };
    return { count, drained };
  };

  it('loses nothing between two reports, and begins with the minute of the first request since', () => {
    const { count, drained } = counting();
    count('ada', 59_999, true);
    count('ada', 60_000, true);
    expect(drained()).toMatchObject({
      steps: [
        [50_000, 1, 0],
        [60_000, 1, 0],
      ],
      minute: 0,
      subjects: 1,
    });
    count('ada', 60_001, true);
    expect(drained()).toMatchObject({ steps: [[60_000, 1, 0]], minute: 60_000 });
    expect(drained()).toBeNull();
    count('ada', 300_000, true);
    expect(drained()).toMatchObject({ steps: [[300_000, 1, 0]], minute: 300_000, told: [] });
  });

  it('tells of each who is refused once a minute', () => {
    const { count, drained } = counting();
    for (const afterMs of [0, 1, 59_999, 60_000]) count('ada', afterMs);
    count('bob', 60_000);
    expect(drained()?.told).toEqual([
      ['ada', 0],
      ['ada', 60_000],
      ['bob', 60_000],
    ]);
    count('ada', 119_999);
    expect(drained()?.told).toEqual([]);
    // Of whom it was told is forgotten when there were a thousand others.
    for (let other = 0; other < 1_000; other += 1) count(`other-${other}`, 119_999);
    drained();
    count('ada', 119_999);
    expect(drained()?.told).toEqual([['ada', 60_000]]);
  });
});

describe('a sketch', () => {
  const sketched = (...counts: [subject: string, times: number][]) => {
    const sketch = new TopSketch(2);
    for (const [subject, times] of counts) for (let time = 0; time < times; time += 1) sketch.count(subject, true);
    return sketch.drain(9).map(({ subject }) => subject);
  };

  it('shows newcomers by what they did themselves, whatever they inherited', () => {
    expect(sketched(['a', 5], ['b', 5], ['c', 1])).toEqual(['b', 'c']);
  });

  it('gives up the one that can have come least, with all that was inherited on the way', () => {
    expect(sketched(['a', 3], ['b', 1], ['c', 1], ['d', 1], ['e', 1]).toSorted()).toEqual(['d', 'e']);
  });
});
