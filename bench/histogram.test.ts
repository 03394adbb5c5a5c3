import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('quantiles of one to a thousand milliseconds are within 1.6% of the true ones', () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
  const { p50Ms, p99Ms, maxMs } = histogram.summary();
  expect(p50Ms).toBeGreaterThanOrEqual(500);
  expect(p50Ms).toBeLessThanOrEqual(500 * 1.016);
  expect(p99Ms).toBeGreaterThanOrEqual(990);
  expect(p99Ms).toBeLessThanOrEqual(1000);
  expect(maxMs).toBe(1000);
  expect(histogram.count).toBe(1000);
});

test('every duration lands in a bucket whose end is not below it', () => {
  for (let us = 1; us < 3_000_000; us = Math.ceil(us * 1.013)) {
    const histogram = new Histogram();
    histogram.record(us / 1000);
    // The longest recorded one caps the bucket's end, so one sample is exact.
    expect(histogram.quantileMs(0.5)).toBe(us / 1000);
  }
});

test('short durations are exact to the microsecond', () => {
  const histogram = new Histogram();
  for (let us = 1; us <= 100; us += 1) histogram.record(us / 1000);
  expect(histogram.quantileMs(0.5)).toBe(0.05);
  expect(histogram.quantileMs(0.99)).toBe(0.099);
});

test('without samples everything is zero', () => {
  expect(new Histogram().summary()).toEqual({ p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 });
});
