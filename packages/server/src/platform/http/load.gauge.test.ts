import { expect, test } from 'vitest';
import { LoadGauge } from './load.gauge.ts';

const limits = { inFlightMax: 2, eventLoopLagMaxMs: 1_000 };

function gaugeAt() {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms };
  const gauge = new LoadGauge(limits, clock);
  gauge.start();
  gauge.stop();
  return { gauge, clock };
}

test('an event loop that comes a second late sheds load until it is on time again', () => {
  const { gauge, clock } = gaugeAt();
  clock.ms = 500;
  gauge.sample();
  expect(gauge.lagMs).toBe(0);
  clock.ms = 2_001;
  gauge.sample();
  expect(gauge.lagMs).toBe(1_001);
  expect(() => gauge.refuseWhenOverloaded()).toThrow('Retry-After');
  clock.ms = 2_530;
  gauge.sample();
  expect(gauge.lagMs).toBe(29);
  expect(() => gauge.refuseWhenOverloaded()).not.toThrow();
});

test('so many requests at once are taken, and no more', () => {
  const { gauge } = gaugeAt();
  gauge.enter();
  gauge.enter();
  expect(() => gauge.refuseWhenOverloaded()).not.toThrow();
  gauge.enter();
  expect(() => gauge.refuseWhenOverloaded()).toThrow('Retry-After');
  gauge.leave();
  expect(() => gauge.refuseWhenOverloaded()).not.toThrow();
});
