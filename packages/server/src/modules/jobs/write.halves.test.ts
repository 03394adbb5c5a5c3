import { expect, it } from 'vitest';
import { writeByHalves } from './write.halves.ts';

/** Items of 0 to 99 are written; what is refused, and why. */
async function writeHundred(failing: ReadonlyMap<number, Error>) {
  const written: number[] = [];
  const refused: number[] = [];
  let writes = 0;
  const write = (some: readonly number[]): Promise<void> => {
    writes += 1;
    const [error] = some.flatMap((item) => failing.get(item) ?? []);
    if (error !== undefined) return Promise.reject(error);
    written.push(...some);
    return Promise.resolve();
  };
  const items = Array.from({ length: 100 }, (_, index) => index);
  const outcome = await writeByHalves(items, write, (item) => Promise.resolve(void refused.push(item))).then(
    () => 'done',
    (error: Error) => error.message,
  );
  return { written: written.length, refused, writes, outcome };
}

function databaseError(code: string): Error {
  return Object.assign(new Error(`SQLSTATE ${code}`), { code });
}

it('writes all at once where nothing is refused', async () => {
  expect(await writeHundred(new Map())).toEqual({ written: 100, refused: [], writes: 1, outcome: 'done' });
});

it.each([
  ['a constraint', databaseError('23514')],
  ['a value', databaseError('22003')],
  ['a limit', databaseError('54001')],
  ['no statement', new RangeError('Invalid string length')],
])('finds the one that %s refuses, and writes the others', async (_, error) => {
  const found = await writeHundred(new Map([[41, error]]));
  expect(found).toEqual({ written: 99, refused: [41], writes: 15, outcome: 'done' });
});

it('finds several', async () => {
  const failing = new Map([3, 4, 99].map((item) => [item, databaseError('23514')]));
  expect(await writeHundred(failing)).toMatchObject({ written: 97, refused: [3, 4, 99], outcome: 'done' });
});

it.each(['08006', '40P01', '23505', '53100', '57014'])('gives up at what is the fault of none: %s', async (code) => {
  const found = await writeHundred(new Map([[41, databaseError(code)]]));
  expect(found).toEqual({ written: 0, refused: [], writes: 1, outcome: `SQLSTATE ${code}` });
});
