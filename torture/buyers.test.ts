import { expect, inject, test } from 'vitest';
import { sellOut } from './buyers.scenario.ts';

// The long form, with 10,000 requests: npm run torture -- --only buyers,buyers-two
test.each([1, 2])(
  '64 buyers at %i server(s) over one database get exactly the 1,000 units that there are',
  async (servers) => {
    const { faults } = await sellOut({ postgres: inject('postgres'), servers, buyers: 64, asked: 3_000 });
    expect(faults).toEqual([]);
  },
  300_000,
);
