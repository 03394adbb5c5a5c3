import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';

/**
 * A UUIDv7 (RFC 9562) of the given instant. Ids of one instant rise too, within one process, so that the order of ids is
 * the order in which they were made: lists need no other index to be newest first.
 */
export type IdSource = (epochMs: number) => string;

/** Random bytes are drawn in blocks: one system call serves 256 ids. */
const POOL_BYTES = 4096;

export function createIdSource(): IdSource {
  let pool = randomBytes(POOL_BYTES);
  let used = 0;
  let lastMs = -1;
  let sequence = 0;
  return (epochMs) => {
    if (used + 16 > POOL_BYTES) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    const random = pool.subarray(used, used + 16);
    used += 16;
    // The counter starts anew, at random, with each millisecond; 2^31 leaves room for two thousand million more.
    sequence = epochMs === lastMs ? sequence + 1 : random.readUInt32BE(0) >>> 1;
    lastMs = epochMs;
    return v7({ msecs: epochMs, seq: sequence, random });
  };
}

export const newId: IdSource = createIdSource();

export const UUID_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
