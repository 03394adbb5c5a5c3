import { expect, test } from 'vitest';
import { createRandom, type Pick, pickUniform, pickZipf } from './random.ts';

const DRAWS = 400_000;

function countsOf(pick: Pick, size: number): number[] {
  const counts = Array.from({ length: size }, () => 0);
  for (let draw = 0; draw < DRAWS; draw += 1) {
    const index = pick();
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

test('Zipf gives rank r its share r^-1 / H(n)', () => {
  const size = 1000;
  const byRank = countsOf(pickZipf(size, 1, createRandom(7)), size).toSorted((a, b) => b - a);
  let harmonic = 0;
  for (let rank = 1; rank <= size; rank += 1) harmonic += 1 / rank;
  for (const rank of [1, 2, 3, 5, 10]) {
    const expected = DRAWS / (rank * harmonic);
    expect(Math.abs((byRank[rank - 1] ?? 0) - expected) / expected).toBeLessThan(0.05);
  }
});

test('Zipf reaches the whole range and nothing outside it', () => {
  const counts = countsOf(pickZipf(100, 1, createRandom(1)), 100);
  expect(counts.length).toBe(100);
  expect(counts.every((count) => count > 0)).toBe(true);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(DRAWS);
});

test('uniform picks are even, and the same seed repeats them', () => {
  const counts = countsOf(pickUniform(100, createRandom(3)), 100);
  for (const count of counts) expect(Math.abs(count - DRAWS / 100)).toBeLessThan(DRAWS / 1000);
  const [first, second] = [createRandom(9), createRandom(9)];
  expect([first(), first(), first()]).toEqual([second(), second(), second()]);
});
