import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { createDatabase } from '../../../test/app.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Database } from '../database/index.ts';
import { PostgresCarrier } from './postgres.carrier.ts';
import { SignalHub } from './signal.hub.ts';
import { signalsSuite, until, type SignalsRig } from './signals.fixture.ts';

/** A database that can be walled off: sessions are ended, and new ones refused. */
function wallableDatabase(database: Database): Pick<Database, 'openClient'> & { cut(): Promise<void>; mend(): void } {
  const sessions = new Set<pg.Client>();
  let isCut = false;
  return {
    openClient: async () => {
      if (isCut) throw new Error('walled off');
      const session = await database.openClient();
      sessions.add(session);
      return session;
    },
    cut: async () => {
      isCut = true;
      for (const session of sessions) await session.end();
      sessions.clear();
    },
    mend: () => {
      isCut = false;
    },
  };
}

async function openRig(): Promise<SignalsRig> {
  const database = new Database({ connection: inject('postgres') });
  const wall = wallableDatabase(database);
  const [a, b] = [1, 2].map(() => new SignalHub({ carriers: [new PostgresCarrier(wall)], clock: systemClock })) as [
    SignalHub,
    SignalHub,
  ];
  return {
    a,
    b,
    cut: () => wall.cut(),
    mend: () => Promise.resolve(wall.mend()),
    close: async () => {
      await Promise.all([a.close(), b.close()]);
      await database.close();
    },
  };
}

describe("hints by PostgreSQL's NOTIFY", () => {
  signalsSuite(openRig);
});

test('a session that the server ends is replaced', async () => {
  const own = await createDatabase();
  const database = new Database({ connection: own.connection });
  const ups: string[] = [];
  const downs: string[] = [];
  const hub = new SignalHub({
    carriers: [new PostgresCarrier(database)],
    clock: systemClock,
    onUp: (carrier) => ups.push(carrier),
    onDown: (carrier) => downs.push(carrier),
  });
  hub.start();
  await until(() => hub.isLive);
  const { rows } = await database.pool.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast signals' AND datname = current_database()",
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { pid } of rows) await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
  await until(() => ups.length === 2 && hub.isLive);
  expect(downs).toEqual(['postgres']);
  await hub.close();
  await database.close();
  await own.drop();
});

test('behind a pooler it says that it cannot be had, and only what is said here is heard here', async () => {
  const database = new Database({ connection: inject('postgres') });
  const pooled = {
    // A pooler tells of a process that is not the one that answers.
    openClient: async () => Object.assign(await database.openClient(), { processID: 1 }),
  };
  const unfit: string[] = [];
  const heard: string[] = [];
  const hub = new SignalHub({
    carriers: [new PostgresCarrier(pooled)],
    clock: systemClock,
    onUnfit: (carrier, reason) => unfit.push(`${carrier}: ${reason}`),
  });
  hub.on('events', (payload) => heard.push(payload));
  hub.start();
  await until(() => unfit.length > 0);
  hub.publish('events', 'to myself');
  await until(() => heard.length > 0);
  expect([hub.isLive, hub.carriedBy]).toEqual([false, 'nothing']);
  expect(unfit).toEqual(['postgres: The database is reached through a pooler, which loses LISTEN.']);
  await hub.close();
  await database.close();
});

test('a hint that could not be sent is refused where it is made', () => {
  const hub = new SignalHub({ carriers: [], clock: systemClock });
  expect(() => hub.publish('no channel')).toThrow(RangeError);
  expect(() => hub.publish('events', 'x'.repeat(1_001))).toThrow(RangeError);
  expect([hub.isLive, hub.carriedBy]).toEqual([false, 'nothing']);
});
