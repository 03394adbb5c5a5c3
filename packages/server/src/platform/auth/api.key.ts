import { createHash, randomBytes } from 'node:crypto';

/** Characters of an API key: 256 bits in base 36, so that a double click selects all of it. */
const SECRET_LENGTH = 50;
const PREFIX_LENGTH = 8;

/** An operator chooses the first admin key: long enough that nobody guesses it. */
export const CHOSEN_KEY = /^[\x21-\x7e]{16,256}$/;

export interface NewApiKey {
  /** `hf_<prefix>_<secret>`: shown once, kept nowhere. */
  key: string;
  /** How the key begins, to tell keys apart. */
  prefix: string;
  /** What is kept. */
  hash: Buffer;
}

export function generateApiKey(): NewApiKey {
  const prefix = `hf_${randomText(PREFIX_LENGTH)}`;
  const key = `${prefix}_${randomText(SECRET_LENGTH)}`;
  return { key, prefix, hash: hashApiKey(key) };
}

/**
 * SHA-256. A slow hash would protect short secrets against guessing; these have 256 bits, and are hashed on the way of a
 * request.
 */
export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The prefix of a key that may not be one of ours, such as the operator's own. */
export function prefixOfKey(key: string): string {
  const [, prefix] = /^(hf_[0-9a-z]{8})_/.exec(key) ?? [];
  return prefix ?? key.slice(0, 4);
}

function randomText(length: number): string {
  const random = BigInt(`0x${randomBytes(32).toString('hex')}`).toString(36);
  return random.padStart(SECRET_LENGTH, '0').slice(-length);
}
