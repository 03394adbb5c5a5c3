import { expect, test } from 'vitest';
import { eventRuns } from './event.runs.ts';

test('a run reaches from the first journal entry of a block to the last ledger entry of it', () => {
  expect(eventRuns([])).toEqual([]);
  const inOne = [{ id: 4096, ledgerCount: 2 }, { id: 4099, ledgerCount: 0 }, { id: 4100, ledgerCount: 3 }]; // prettier-ignore
  expect(eventRuns(inOne)).toEqual([{ firstId: 4096, lastId: 4103 }]);
  const inTwo = [{ id: 8190, ledgerCount: 1 }, { id: 8192, ledgerCount: 0 }, { id: 8193, ledgerCount: 1 }]; // prettier-ignore
  expect(eventRuns(inTwo)).toEqual([
    { firstId: 8190, lastId: 8191 },
    { firstId: 8192, lastId: 8194 },
  ]);
});
