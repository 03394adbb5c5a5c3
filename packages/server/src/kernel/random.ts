import { randomInt } from 'node:crypto';

/** A number from 0 up to, and without, 1: for jitter. Tests give their own. */
export type Random = () => number;

const STEPS = 2 ** 32;

export const systemRandom: Random = () => randomInt(STEPS) / STEPS;
