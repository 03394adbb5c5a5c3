import type { IdempotencyRequest } from '../kernel/command.ts';

/** A power of two. Of that many the newest are remembered, more or less: 1 MB. */
const PLACES = 2 ** 18;
/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
const FNV_OFFSET = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

/**
 * The Idempotency-Keys that came to this instance last. One that comes again is likely to have its answer: looked up under
 * locks it takes nobody with it, while a batch that writes it a second time is refused as a whole. A guess that may be
 * wrong either way: nothing depends on it but time.
 */
export class RecentKeys {
  readonly #hashes = new Uint32Array(PLACES);

  /** Remembers a key. @returns whether it was remembered before */
  see({ owner, key, chunk = 0 }: IdempotencyRequest): boolean {
    const hash = fnv1a(key, fnv1a(owner, FNV_OFFSET ^ chunk));
    const place = hash & (PLACES - 1);
    const isKnown = this.#hashes[place] === hash;
    this.#hashes[place] = hash;
    return isKnown;
  }
}

function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return hash >>> 0;
}
