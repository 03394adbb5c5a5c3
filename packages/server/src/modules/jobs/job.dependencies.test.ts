import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startJobsApp, type JobsApp, type Refused } from './jobs.fixture.ts';

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
});
afterAll(() => jobs.close());

describe('dependencies', () => {
  it('in a circle are refused, with the circle', async () => {
    const a = await jobs.create({ name: 'circle a' });
    const b = await jobs.create({ name: 'circle b', dependencies: [a.id] });
    const c = await jobs.create({ name: 'circle c', dependencies: [b.id] });
    const closing = await jobs.request<Refused>('PATCH', `/jobs/${a.id}`, { dependencies: [c.id] });
    expect(closing).toMatchObject({
      status: 409,
      body: {
        code: 'dependency_cycle',
        circle: [a.id, b.id, c.id, a.id],
        detail: 'Each of these would wait for the one before it: "circle a" → "circle b" → "circle c" → "circle a".',
      },
    });
    expect(await jobs.refused('PATCH', `/jobs/${a.id}`, { dependencies: [a.id] })).toBe('409 dependency_cycle');
    expect((await jobs.show(a.id)).dependencies).toEqual([]);
    expect(await jobs.refused('PATCH', `/jobs/${b.id}`, { schedule: '0 1 * * *' })).toBe(
      '400 validation_failed /dependencies',
    );
  });

  it('of two that close a circle at the same moment let one through', async () => {
    const [a, b] = [await jobs.create({ name: 'both a' }), await jobs.create({ name: 'both b' })];
    const answers = await Promise.all([
      jobs.refused('PATCH', `/jobs/${a.id}`, { dependencies: [b.id] }),
      jobs.refused('PATCH', `/jobs/${b.id}`, { dependencies: [a.id] }),
    ]);
    expect(answers.toSorted()).toEqual(['200 ', '409 dependency_cycle']);
  });

  it('are the same in whatever order they are given', async () => {
    const dependencies = [(await jobs.create({ name: 'before a' })).id, (await jobs.create({ name: 'before b' })).id];
    const job = await jobs.create({ name: 'after both', dependencies: dependencies.toReversed() });
    expect(job.dependencies).toEqual(dependencies);
    for (const same of [dependencies, dependencies.toReversed()]) {
      const answer = await jobs.request('PATCH', `/jobs/${job.id}`, { dependencies: same });
      expect(answer).toEqual({ status: 200, body: job });
    }
  });

  it('keep a job from being deleted', async () => {
    const parent = await jobs.create({ name: 'parent' });
    const child = await jobs.create({ name: 'child', dependencies: [parent.id] });
    const answer = await jobs.request<Refused>('DELETE', `/jobs/${parent.id}`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'job_has_dependents', dependents: [child.id] } });
    await jobs.request('PATCH', `/jobs/${child.id}`, { dependencies: [] });
    expect((await jobs.request('DELETE', `/jobs/${parent.id}`)).status).toBe(204);
  });

  it('are shown as a graph', async () => {
    const top = await jobs.create({ name: 'graph top', schedule: '0 1 * * *' });
    const end = await jobs.create({ name: 'graph end', dependencies: [top.id], afterFailure: 'hold' });
    const run = await jobs.run(top.id);
    await jobs.work();
    const { body } = await jobs.request<{ nodes: { id: string }[]; edges: Record<'from' | 'to', string>[] }>(
      'GET',
      '/jobs/graph',
    );
    expect(body.edges).toContainEqual({ from: top.id, to: end.id });
    expect(body.nodes.find(({ id }) => id === end.id)).toMatchObject({
      name: 'graph end',
      afterFailure: 'hold',
      schedule: null,
      lastRun: { status: 'succeeded', percent: 100 },
      cycleId: run.cycleId,
    });
    const named = body.edges.flatMap(({ from, to }) => [to, from]);
    expect(body.nodes.map(({ id }) => id)).toEqual([...new Set(named)]);
  });
});
