/** A number from 0 inclusive to 1 exclusive. */
export type Random = () => number;

/** mulberry32 (Tommy Ettinger, public domain): the same seed gives the same benchmark. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Picks the index of a level. */
export type Pick = () => number;

export function pickUniform(size: number, random: Random): Pick {
  return () => Math.floor(random() * size);
}

/**
 * Zipf's law over `size` items: the item of rank r is picked with probability r^-exponent / sum(k^-exponent), exactly,
 * by inverting the cumulative distribution. Ranks are dealt to indices by a shuffle, so that the popular items are not
 * neighbours in a table or an index.
 */
export function pickZipf(size: number, exponent: number, random: Random): Pick {
  const cumulative = new Float64Array(size);
  let sum = 0;
  for (let rank = 1; rank <= size; rank += 1) {
    sum += rank ** -exponent;
    cumulative[rank - 1] = sum;
  }
  const indexOfRank = shuffled(size, random);
  return () => {
    const point = random() * sum;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    return indexOfRank[low] ?? 0;
  };
}

/** The numbers below `size` in a random order (Fisher and Yates). */
function shuffled(size: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}
