import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { newId } from '../../kernel/ids.ts';
import { configOf, fixtureRun, type FixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { retentionJobTypes } from './index.ts';

const DAY_MS = 86_400_000;

let test: TestApp;
let type: JobType;
let owner: pg.Client;

beforeAll(async () => {
  test = await startTestApp();
  type = onlyOf(retentionJobTypes({ database: test.database }));
  owner = new pg.Client(test.connection);
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await test.close();
});
beforeEach(async () => {
  await owner.query('DELETE FROM alert; DELETE FROM person_session; DELETE FROM person; DELETE FROM webhook');
});

function onlyOf(types: JobType[]): JobType {
  const [only] = types;
  if (only === undefined) throw new Error('there is no type');
  return only;
}

const runOf = (config: object): FixtureRun =>
  fixtureRun<unknown>({ database: test.database, config: configOf(type, config) });
const run = async (config: object): Promise<unknown> => type.run(runOf(config) as never);
const count = async (table: string): Promise<number> =>
  Number((await owner.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count);
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const idOf = (days: number): string => newId(Date.now() - days * DAY_MS);

/** An alert that opened and was resolved so many days ago. */
async function alert(openedDays: number, resolvedDays: number | null, product = 1): Promise<string> {
  const id = idOf(openedDays);
  const values = [id, resolvedDays === null ? 'active' : 'resolved', product, ago(openedDays)];
  await owner.query(
    `INSERT INTO alert (id, type, status, product_id, location_id, value, opened_at, resolved_at)
     VALUES ($1, 'low_stock', $2, $3, 1, 0, $4, $5)`,
    [...values, resolvedDays === null ? null : ago(resolvedDays)],
  );
  return id;
}

async function alertIds(): Promise<string[]> {
  return (await owner.query<{ id: string }>('SELECT id FROM alert ORDER BY id')).rows.map(({ id }) => id);
}

describe('data retention', () => {
  it('deletes alerts that were resolved longer ago than their age, and no other', async () => {
    await alert(400, 40);
    await alert(31, 31);
    const kept = [await alert(500, 29), await alert(490, null, 2), await alert(29, 1, 3), await alert(1, null, 4)];
    expect(await run({ resolvedAlertsDays: 30 })).toEqual({ isDryRun: false, deleted: { resolvedAlerts: 2 } });
    expect(await alertIds()).toEqual(kept.toSorted());
    expect(await run({ resolvedAlertsDays: 30 })).toEqual({ isDryRun: false, deleted: { resolvedAlerts: 0 } });
  });

  it('counts, and deletes nothing, in a dry run', async () => {
    await alert(40, 40);
    const context = runOf({ resolvedAlertsDays: 30, endedSessionsDays: 1, dryRun: true });
    expect(() => type.check?.(context.config as never)).not.toThrow();
    expect(await type.run(context as never)).toEqual({
      isDryRun: true,
      deleted: { resolvedAlerts: 1, endedSessions: 0 },
    });
    expect(context.progressed.map(({ percent }) => percent)).toEqual([0, 50]);
    expect(await count('alert')).toBe(1);
  });

  it('deletes sessions that ended, in whichever way, and none that lives', async () => {
    const person = idOf(50);
    await owner.query(
      `INSERT INTO person (id, login, login_key, name, scopes, password_hash, created_at)
       VALUES ($1, 'ann', 'ann', 'Ann', '{read}', '$x', now())`,
      [person],
    );
    const session = async (madeDays: number, idleDays: number, endsDays: number, endedDays: number | null) => {
      const times = [ago(madeDays), ago(idleDays), ago(endsDays), endedDays === null ? null : ago(endedDays)];
      await owner.query(
        `INSERT INTO person_session (id, person_id, token_hash, created_at, last_seen_at, idle_ends_at, ends_at,
           ended_at, address, network) VALUES ($1, $2, sha256($3), $4, $4, $5, $6, $7, '1.2.3.4', '1.2.3.4')`,
        [idOf(madeDays), person, Buffer.from(String(Math.random())), ...times],
      );
    };
    await session(20, 19, 6, null);
    await session(12, -1, -2, 8);
    await session(12, -1, -2, 6);
    await session(13, -0.1, -1, null);
    expect(await run({ endedSessionsDays: 7 })).toMatchObject({ deleted: { endedSessions: 2 } });
    expect(await count('person_session')).toBe(2);
  });

  it('deletes deliveries that came to an end, and none that waits', async () => {
    const webhook = idOf(50);
    await owner.query(
      `INSERT INTO webhook (id, url, events, topics, enabled, created_at, updated_at)
       VALUES ($1, 'https://shop.example', '{*}', '{}', true, now(), now())`,
      [webhook],
    );
    const delivery = async (status: string, madeDays: number, finishedDays: number | null) =>
      owner.query(
        `INSERT INTO webhook_delivery (id, webhook_id, position, type, subject, event_at, is_replay, status, attempts,
           refusals, history, body, created_at, first_attempt_at, finished_at)
         VALUES ($1, $2, 1, 'stock.changed', 'MUG', $4, false, $3, 1, 0, '[]', '{}', $4, $4, $5)`,
        [idOf(madeDays), webhook, status, ago(madeDays), finishedDays === null ? null : ago(finishedDays)],
      );
    await delivery('delivered', 3, 2);
    await delivery('set_aside', 6, 5);
    await delivery('failed', 6, 0.5);
    await delivery('delivered', 0.5, 0.5);
    await delivery('pending', 20, null);
    expect(await run({ webhookDeliveriesDays: 1 })).toMatchObject({ deleted: { webhookDeliveries: 2 } });
    expect(await count('webhook_delivery')).toBe(3);
  });

  it('goes through many in batches, past those that stay, and tells how far it is', async () => {
    await owner.query(
      `INSERT INTO alert (id, type, status, product_id, location_id, value, opened_at, resolved_at)
       SELECT ('018' || lpad(to_hex(n), 5, '0') || '-0000-7000-8000-000000000000')::uuid, 'low_stock',
         CASE WHEN n % 3 = 0 THEN 'active' ELSE 'resolved' END, n, 1, 0, $1, CASE WHEN n % 3 = 0 THEN NULL ELSE $1::timestamptz END
       FROM generate_series(1, 7500) n`,
      [ago(60)],
    );
    const context = runOf({ resolvedAlertsDays: 30 });
    expect(await type.run(context as never)).toMatchObject({ deleted: { resolvedAlerts: 5_000 } });
    expect(await count('alert')).toBe(2_500);
    expect(context.progressed.map(({ message }) => message)).toEqual([
      '1334 resolved alerts',
      '2667 resolved alerts',
      '4000 resolved alerts',
      '5000 resolved alerts',
    ]);
    expect(context.logs).toHaveLength(1);
    const [, before = ''] = /^5000 resolved alerts from before (.+)$/.exec(context.logs[0]?.message ?? '') ?? [];
    expect(Math.round((Date.now() - Date.parse(before)) / DAY_MS)).toBe(30);
  });

  it('stops between two batches when it is aborted', async () => {
    await alert(40, 40);
    const context = runOf({ resolvedAlertsDays: 30 });
    context.abort(new Error('cancelled'));
    await expect(type.run(context as never)).rejects.toThrow('cancelled');
    expect(await count('alert')).toBe(1);
  });

  it('does not wait for a row that somebody holds', async () => {
    const held = await alert(40, 40, 1);
    await alert(41, 41, 2);
    await owner.query('BEGIN');
    try {
      await owner.query('SELECT FROM alert WHERE id = $1 FOR UPDATE', [held]);
      expect(await run({ resolvedAlertsDays: 30 })).toMatchObject({ deleted: { resolvedAlerts: 1 } });
    } finally {
      await owner.query('ROLLBACK');
    }
    expect(await alertIds()).toEqual([held]);
  });

  it.each([{}, { dryRun: true }])('is refused where it names nothing to delete: %j', (config) => {
    expect(() => type.check?.(configOf(type, config) as never)).toThrow(
      expect.objectContaining({ code: 'validation_failed' }),
    );
  });

  it.each([{ resolvedAlertsDays: 0 }, { endedSessionsDays: 44 }, { webhookDeliveriesDays: 30 }, { ledgerDays: 1 }])(
    'has no such config as %j',
    (config) => {
      expect(() => configOf(type, config)).toThrow('no config');
    },
  );
});
