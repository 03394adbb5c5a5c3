import type { Worker } from 'node:cluster';
import { afterEach, expect, test, vi } from 'vitest';
import { createMetrics } from '../platform/metrics/index.ts';
import { ReportRounds } from './report.rounds.ts';
import type { MetricsReport, ToWorker } from './worker.messages.ts';
import { WorkerMetrics } from './worker.metrics.ts';

afterEach(() => void vi.useRealTimers());

/** A worker whose messages are delivered at once, and whose own metrics are real. */
class Told {
  readonly metrics = createMetrics({ runtime: false });
  readonly served = this.metrics.counter({ name: 'served_total', help: 'h' });
  readonly open = this.metrics.gauge({ name: 'open_connections', help: 'h' });
  readonly messages: ToWorker[] = [];
  isConnected = (): boolean => true;
  send = (message: ToWorker): void => void this.messages.push(message);
}

test('what was counted never goes back: where a worker does not answer, and where one has ended', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const [one, other, third] = [new Told(), new Told(), new Told()];
  let crew = [one, other];
  const rounds = new ReportRounds(() => crew as unknown as Worker[]);
  const as = (worker: Told): Worker => worker as unknown as Worker;
  let last = 0;
  const seen = async (answering: readonly Told[]): Promise<string[]> => {
    last += 1;
    rounds.begin(as(one), last);
    for (const worker of answering) {
      rounds.add(as(worker), last, await worker.metrics.registry.getMetricsAsJSON());
    }
    vi.advanceTimersByTime(2_000);
    const taken = one.messages.findLast((message) => message.do === 'take');
    return textOf(taken?.reports ?? []);
  };
  for (const [worker, served] of [
    [one, 10],
    [other, 5],
  ] as const) {
    worker.served.inc(served);
    worker.open.set(1);
  }
  expect(await seen([one, other])).toEqual(['open_connections 2', 'served_total 15']);
  expect(await seen([one])).toEqual(['open_connections 2', 'served_total 15']);

  crew = [one];
  rounds.forget(as(other));
  expect(await seen([one])).toEqual(['open_connections 1', 'served_total 15']);
  third.served.inc(100);
  crew = [one, third];
  expect(await seen([one, third])).toEqual(['open_connections 1', 'served_total 115']);
  crew = [one];
  rounds.forget(as(third));
  expect(await seen([one])).toEqual(['open_connections 1', 'served_total 115']);
  await vi.waitFor(async () => expect(await seen([one])).toEqual(['open_connections 1', 'served_total 115']));
});

/** As a worker that was asked puts them together. */
function textOf(reports: MetricsReport[]): Promise<string[]> {
  const metrics = new WorkerMetrics((message) => {
    if (message.is === 'asking') queueMicrotask(() => metrics.take(message.id, reports));
  });
  return metrics.render().then((text) =>
    text
      .split('\n')
      .filter((line) => /^(?:open|served)/.test(line))
      .toSorted(),
  );
}
