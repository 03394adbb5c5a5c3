import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { type ApiClient, bodyOf, codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { withClient } from './database.ts';
import { startFleet, tally } from './fleet.ts';
import { openShop } from './shop.ts';

const HOUR_MS = 3_600_000;
const HOLDS = 120;
/** The holds lapse spread over so long, and each is confirmed somewhere around its own instant. */
const SPREAD_MS = 2_000;
const AROUND_MS = 120;

interface Attempt {
  beforeMs: number;
  afterMs: number;
  expiresAtMs: number;
  heard: string;
  confirmedAtMs: number | null;
}

test.each([-1, 1])(
  'a server whose clock is wrong by %i h confirms by the clock of the database',
  async (hours) => {
    const fleet = await startFleet(inject('postgres'), {
      servers: 1,
      env: () => ({
        NODE_OPTIONS: `--import=${new URL('shifted.clock.process.ts', import.meta.url).href}`,
        TORTURE_CLOCK_SHIFT_MS: String(hours * HOUR_MS),
      }),
    });
    const sessions = new pg.Pool({ ...fleet.database.connection, max: 8 });
    sessions.on('error', () => undefined);
    const databaseMs = async (): Promise<number> => {
      const { rows } = await sessions.query<{ ms: number }>(
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
      );
      return rows[0]?.ms ?? Number.NaN;
    };
    const api = fleet.api(0);
    try {
      const [, told = ''] = /The clock of this process says (\S+)/.exec(fleet.servers[0]?.output() ?? '') ?? [];
      expect((Date.parse(told) - Date.now()) / HOUR_MS).toBeCloseTo(hours, 1);
      await openShop(api, 1, 1, HOLDS);
      const startMs = Math.ceil(await databaseMs()) + 3_000;
      const attempts = await Promise.all(
        Array.from({ length: HOLDS }, async (_, index): Promise<Attempt> => {
          const expiresAtMs = startMs + Math.round((index * SPREAD_MS) / HOLDS);
          // In the future by the database's clock alone, or already past by the server's: it is taken as it is.
          const { id } = await reserve(api, 1, expiresAtMs);
          const lateByMs = ((index * 37) % (2 * AROUND_MS)) - AROUND_MS;
          // A few at once, in time on any machine.
          if (index % 10 > 0) await delay(expiresAtMs - (await databaseMs()) + lateByMs);
          const beforeMs = await databaseMs();
          const answer = await api.call({ method: 'POST', path: `/api/v1/reservations/${id}/confirm` });
          const afterMs = await databaseMs();
          const heard = `${answer.status} ${codeOf(answer)}`.trim();
          const confirmedAt = bodyOf(answer)['confirmedAt'];
          return {
            beforeMs,
            afterMs,
            expiresAtMs,
            heard,
            confirmedAtMs: typeof confirmedAt === 'string' ? Date.parse(confirmedAt) : null,
          };
        }),
      );
      const confirmed = attempts.filter(({ heard }) => heard === '200');
      const refused = attempts.filter(({ heard }) => heard === '409 reservation_expired');
      expect(tally(attempts.map(({ heard }) => heard))).toEqual({
        200: confirmed.length,
        '409 reservation_expired': refused.length,
      });
      expect(confirmed.length).toBeGreaterThan(0);
      expect(refused.length).toBeGreaterThan(0);
      // Asked after the instant: refused. Answered before it: confirmed. In between either, but never at or after it.
      expect(confirmed.filter(({ beforeMs, expiresAtMs }) => beforeMs >= expiresAtMs)).toEqual([]);
      expect(confirmed.filter(({ confirmedAtMs, expiresAtMs }) => (confirmedAtMs ?? 0) >= expiresAtMs)).toEqual([]);
      expect(refused.filter(({ afterMs, expiresAtMs }) => afterMs < expiresAtMs)).toEqual([]);

      // What lapsed is there for the next buyer, and nothing else is.
      await api.must(reserveCall(refused.length, null));
      expect(codeOf(await api.call(reserveCall(1, null)))).toBe('insufficient_stock');
      expect(await withClient(fleet.database.connection, checkInvariants)).toEqual([]);

      // An instant that has passed by the database's clock has passed, whatever the server's says; and the other way.
      const past = await api.call(reserveCall(1, (await databaseMs()) - 1_000));
      expect(past.status).toBe(400);
      const tooFar = await api.call(reserveCall(1, (await databaseMs()) + 30 * 24 * HOUR_MS + 60_000));
      expect(tooFar.status).toBe(400);
    } finally {
      await sessions.end();
      await fleet.close();
    }
  },
  300_000,
);

function reserveCall(quantity: number, expiresAtMs: number | null) {
  const expiry = expiresAtMs === null ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
  const lines = [{ sku: 'SKU-1', location: 'LOC-1', quantity }];
  return { method: 'POST', path: '/api/v1/reservations', body: { lines, ...expiry } } as const;
}

async function reserve(api: ApiClient, quantity: number, expiresAtMs: number): Promise<{ id: string }> {
  const { id } = await api.must(reserveCall(quantity, expiresAtMs));
  return { id: String(id) };
}
