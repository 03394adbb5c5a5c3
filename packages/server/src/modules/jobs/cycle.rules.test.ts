import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOver, JobGraph, turnOf, type Edge } from './cycle.rules.ts';
import { RUN_STATUSES } from './job.schema.ts';

/** `b<a` is: b waits for a. */
function graph(...edges: string[]): JobGraph {
  return new JobGraph(
    edges.map((edge) => {
      const [job = '', dependsOn = ''] = edge.split('<');
      return { job, dependsOn };
    }),
  );
}

const diamond = graph('b<a', 'c<a', 'd<b', 'd<c');

describe('a graph of jobs', () => {
  it('knows who waits for whom, and who comes after', () => {
    expect(diamond.dependenciesOf('d')).toEqual(['b', 'c']);
    expect(diamond.dependentsOf('a')).toEqual(['b', 'c']);
    expect(diamond.descendantsOf('a')).toEqual(new Set(['b', 'c', 'd']));
    expect(diamond.descendantsOf('d')).toEqual(new Set());
    expect(graph('b<a', 'd<c').graphOf('a')).toEqual(new Set(['a', 'b']));
    expect(graph('join<a', 'join<b').graphOf('a')).toEqual(new Set(['a', 'join', 'b']));
    expect(diamond.graphOf('alone')).toEqual(new Set(['alone']));
    expect(['a', 'd', 'alone'].map((job) => diamond.isConnected(job))).toEqual([true, true, false]);
  });

  it('finds the circle, as a path in which each waits for the one before', () => {
    expect(diamond.circleThrough('a')).toBeNull();
    expect(graph('a<a').circleThrough('a')).toEqual(['a', 'a']);
    expect(graph('b<a', 'a<b').circleThrough('a')).toEqual(['a', 'b', 'a']);
    const long = graph('b<a', 'c<b', 'd<c', 'a<d', 'd<x');
    expect(long.circleThrough('a')).toEqual(['a', 'b', 'c', 'd', 'a']);
    expect(long.circleThrough('x')).toBeNull();
  });
});

const jobs = fc.integer({ min: 0, max: 7 }).map(String);
const edges = fc.uniqueArray(fc.record({ job: jobs, dependsOn: jobs }), {
  maxLength: 20,
  selector: ({ job, dependsOn }) => `${job}<${dependsOn}`,
});

it('a circle goes through a job just where it comes after itself', () => {
  fc.assert(
    fc.property(edges, (all) => {
      const found = new JobGraph(all);
      for (const job of new Set(all.map(({ dependsOn }) => dependsOn))) {
        const circle = found.circleThrough(job);
        expect(circle !== null).toBe(found.descendantsOf(job).has(job));
        if (circle === null) continue;
        expect([circle[0], circle.at(-1)]).toEqual([job, job]);
        const steps = circle.slice(1).map((waits, at): Edge => ({ job: waits, dependsOn: circle[at] ?? '' }));
        for (const step of steps) expect(all).toContainEqual(step);
      }
    }),
  );
});

describe('the turn of a job', () => {
  const DONE = ['failed', 'cancelled', 'skipped'] as const;

  it.each(['skip', 'run', 'hold'] as const)('that is set to %s', (afterFailure) => {
    expect(turnOf(['succeeded', 'succeeded'], afterFailure)).toBe('run');
    expect(turnOf(['succeeded', undefined], afterFailure)).toBe('wait');
    for (const status of DONE) {
      expect(turnOf(['succeeded', status], afterFailure)).toBe(afterFailure);
      expect(turnOf([undefined, status], afterFailure)).toBe('wait');
    }
    for (const status of ['held', 'queued', 'running', 'retrying'] as const) {
      expect(turnOf(['failed', status, 'succeeded'], afterFailure)).toBe('wait');
    }
  });

  it('comes when each is over', () => {
    expect(RUN_STATUSES.filter(isOver)).toEqual(['succeeded', 'failed', 'cancelled', 'skipped']);
  });
});
