import { expect, test } from 'vitest';
import { toDatabaseProblem } from './failures.ts';

const failure = (code: string): Error => Object.assign(new Error('as the server says it'), { code });

test.each([
  ['08006', 'database_unavailable'],
  ['57P01', 'database_unavailable'],
  // disk_full, out_of_memory, io_error
  ['53100', 'database_unavailable'],
  ['53200', 'database_unavailable'],
  ['58030', 'database_unavailable'],
  ['55P03', 'level_busy'],
  ['40001', 'level_busy'],
  ['57014', 'level_busy'],
])('%s is told callers as %s', (code, problem) => {
  expect(toDatabaseProblem(failure(code))).toMatchObject({ code: problem, status: 503 });
});

test.each(['22012', '23514', '42703', 'XX000', ''])('%s is a defect of ours', (code) => {
  expect(toDatabaseProblem(failure(code))).toBeNull();
});
