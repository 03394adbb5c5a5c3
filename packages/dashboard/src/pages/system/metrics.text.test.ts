import { expect, test } from 'vitest';
import { meanOf, parseMetrics, rateOf, sumOf } from './metrics.text.ts';

const TEXT = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/a \\"b\\" {c}"} 10
http_requests_total{method="POST",route="/d"} 5
up 1
batch_sum 2.5
batch_count 10
batch_bucket{le="+Inf"} 10
`;

test('samples are read with their labels', () => {
  const samples = parseMetrics(TEXT);
  expect(samples).toHaveLength(6);
  expect(samples[0]).toEqual({
    name: 'http_requests_total',
    labels: { method: 'GET', route: '/a "b" {c}' },
    value: 10,
  });
  expect(sumOf(samples, 'http_requests_total')).toBe(15);
  expect(sumOf(samples, 'http_requests_total', { method: 'POST' })).toBe(5);
  expect(sumOf(samples, 'nothing')).toBeNull();
});

test('a rate survives a server that began anew', () => {
  expect(rateOf(10, 30, 2)).toBe(10);
  expect(rateOf(30, 10, 2)).toBe(5);
  expect(rateOf(null, 10, 2)).toBeNull();
});

test('the mean is of what came between the readings', () => {
  const before = parseMetrics('batch_sum 1\nbatch_count 5\n');
  expect(meanOf(before, parseMetrics(TEXT), 'batch')).toBeCloseTo(0.3);
  expect(meanOf(parseMetrics(TEXT), parseMetrics(TEXT), 'batch')).toBeNull();
});
