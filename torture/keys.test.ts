import { expect, inject, test } from 'vitest';
import { repeatKeys } from './keys.scenario.ts';

// The long form, with 1,000 keys: npm run torture -- --only keys
test('300 keys, each sent 20 times at once over two servers, have 300 effects and one answer each', async () => {
  const { faults } = await repeatKeys({ postgres: inject('postgres'), keys: 300 });
  expect(faults).toEqual([]);
}, 300_000);
