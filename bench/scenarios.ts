import type { Letter } from './options.ts';
import type { Spread, TrafficOrder } from './traffic.ts';

export const POOL_SIZES = [8, 16, 32] as const;

export interface Scenario {
  /** Unique, such as `c-spread`. */
  name: string;
  letter: Letter;
  title: string;
  server: 'app' | 'bare';
  /** Measured after a first API key was made, with that key and an Idempotency-Key on each call. */
  isKeyed: boolean;
  traffic: Pick<TrafficOrder, 'kind' | 'path' | 'expectedStatus' | 'spread'>;
}

const RESERVATIONS = '/api/v1/reservations';
const SPREADS: readonly Spread[] = ['spread', 'zipf', 'hot'];

function reserve(path: string, spread: Spread): Scenario['traffic'] {
  return { kind: 'reserve', path, expectedStatus: 201, spread };
}

const usual = (spread: Spread): Scenario[] =>
  POOL_SIZES.map((poolSize) => ({
    name: usualName(spread, poolSize),
    letter: 'b',
    title: `SELECT … FOR UPDATE, ${spread}, pool of ${poolSize}`,
    server: 'app',
    isKeyed: false,
    traffic: reserve(`/api/v1/bench/usual/${poolSize}`, spread),
  }));

export const usualName = (spread: Spread, poolSize: number): string => `b-${spread}-${poolSize}`;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a-app',
    letter: 'a',
    title: 'no-op POST, same app',
    server: 'app',
    isKeyed: false,
    traffic: reserve('/api/v1/bench/noop', 'spread'),
  },
  {
    name: 'a-bare',
    letter: 'a',
    title: 'no-op POST, bare Fastify',
    server: 'bare',
    isKeyed: false,
    traffic: reserve('/noop', 'spread'),
  },
  ...usual('spread'),
  ...usual('hot'),
  ...SPREADS.map((spread): Scenario => ({
    name: `c-${spread}`,
    letter: 'c',
    title: `reserve, ${spread}`,
    server: 'app',
    isKeyed: false,
    traffic: reserve(RESERVATIONS, spread),
  })),
  {
    name: 'd-cycle',
    letter: 'd',
    title: 'reserve → confirm → ship (cycles)',
    server: 'app',
    isKeyed: false,
    traffic: { kind: 'cycle', path: RESERVATIONS, expectedStatus: 201, spread: 'spread' },
  },
  {
    name: 'e-read',
    letter: 'e',
    title: 'read of one level',
    server: 'app',
    isKeyed: false,
    traffic: { kind: 'read', path: '', expectedStatus: 200, spread: 'spread' },
  },
  {
    name: 'f-batch',
    letter: 'f',
    title: 'POST /reservations/batch (reservations)',
    server: 'app',
    isKeyed: false,
    traffic: { kind: 'batch', path: RESERVATIONS, expectedStatus: 200, spread: 'spread' },
  },
  {
    name: 'k-noop',
    letter: 'k',
    title: 'no-op POST, with key',
    server: 'app',
    isKeyed: true,
    traffic: reserve('/api/v1/bench/noop', 'spread'),
  },
  ...SPREADS.map((spread): Scenario => ({
    name: `k-${spread}`,
    letter: 'k',
    title: `reserve, ${spread}, with key`,
    server: 'app',
    isKeyed: true,
    traffic: reserve(RESERVATIONS, spread),
  })),
];
