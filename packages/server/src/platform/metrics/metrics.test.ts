import { expect, test } from 'vitest';
import { createMetrics } from './index.ts';

test('requests are counted in buckets that add up', async () => {
  const metrics = createMetrics({ runtime: false });
  const observe = metrics.requests.forRoute('GET', '/things');
  observe(200, 0.5);
  observe(201, 3);
  observe(200, 20_000);
  observe(404, 1);
  const text = await metrics.render();
  const line = (name: string, labels: string) =>
    new RegExp(`^http_request_duration_seconds_${name}\\{${labels}\\} (.*)$`, 'm').exec(text)?.[1];
  const labels = 'method="GET",route="/things",status="2xx"';
  expect(line('bucket', `le="0.001",${labels}`)).toBe('1');
  expect(line('bucket', `le="0.0025",${labels}`)).toBe('1');
  expect(line('bucket', `le="0.005",${labels}`)).toBe('2');
  expect(line('bucket', `le="10",${labels}`)).toBe('2');
  expect(line('bucket', `le="\\+Inf",${labels}`)).toBe('3');
  expect(line('count', labels)).toBe('3');
  expect(Number(line('sum', labels))).toBeCloseTo(20.0035);
  expect(line('count', 'method="GET",route="/things",status="4xx"')).toBe('1');
  expect(text).toContain('# TYPE http_request_duration_seconds histogram');
});

test('a collected gauge is asked at each reading, and what it no longer says is gone', async () => {
  const metrics = createMetrics({ runtime: false });
  let samples = [{ labels: { location: 'A' }, value: 1 }];
  metrics.collected({ name: 'stock', help: 'Stock', labelNames: ['location'] }, () => Promise.resolve(samples));
  expect(await metrics.render()).toContain('stock{location="A"} 1');
  samples = [{ labels: { location: 'B' }, value: 2 }];
  const text = await metrics.render();
  expect(text).toContain('stock{location="B"} 2');
  expect(text).not.toContain('location="A"');
});

test('one that cannot be read does not take the others with it', async () => {
  const metrics = createMetrics({ runtime: false });
  metrics.collected({ name: 'away', help: 'Away' }, () => Promise.reject(new Error('the database is away')));
  metrics.counter({ name: 'fine_total', help: 'Fine' }).inc(3);
  expect(await metrics.render()).toContain('fine_total 3');
});
