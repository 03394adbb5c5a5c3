import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { Sequencer, type StreamEvent } from './index.ts';
import { numberingStatements } from './stream.sql.ts';

interface CloudEvent {
  id: string;
  type: string;
  subject: string;
  position: number;
  actor: string;
  data: { seq?: number; sku?: string; status?: string };
}

let one: TestApp;
let other: TestApp;
let owner: pg.Client;

beforeAll(async () => {
  one = await startTestApp({ duties: true });
  other = await startTestApp({ duties: true, connection: one.connection });
  owner = new pg.Client(one.connection);
  await owner.connect();
  await call(one, 'POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
});
afterAll(async () => {
  await owner.end();
  await other.close();
  await one.close();
});

async function call(app: TestApp, method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) {
  const answer = await app.app.inject({ method, url: `/api/v1${path}`, ...(body === undefined ? {} : { body }) });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

async function makeProduct(sku: string, units = 100): Promise<void> {
  await call(one, 'POST', '/products', { sku, name: sku });
  await call(one, 'POST', `/inventory/${sku}/adjust`, { location: 'WH', type: 'add', quantity: units });
}

async function list(app: TestApp, query: string): Promise<{ items: CloudEvent[]; position: number }> {
  const items: CloudEvent[] = [];
  const parameters = new URLSearchParams(query);
  for (;;) {
    const { status, body } = await call(app, 'GET', `/events?${parameters.toString()}`);
    expect(status).toBe(200);
    items.push(...(body['items'] as CloudEvent[]));
    const cursor = body['nextCursor'] as string | null;
    if (cursor === null) return { items, position: body['position'] as number };
    parameters.delete('after');
    parameters.set('cursor', cursor);
  }
}

describe('the stream', () => {
  it('shows what each command did, once and in order, to every instance', async () => {
    const { position } = await list(one, 'limit=200');
    await makeProduct('A');
    const reserved = await call(other, 'POST', '/reservations', { orderId: 'O-1', lines: [{ sku: 'A', quantity: 2 }] });
    const id = reserved.body['id'] as string;
    await call(one, 'POST', `/reservations/${id}/confirm`, { ship: true });
    await call(other, 'PATCH', '/inventory/A/locations/WH', { reorderPoint: 99 });
    for (const app of [one, other]) {
      const { items } = await list(app, `after=${position}`);
      expect(items.map(({ type, subject }) => `${type} ${subject}`)).toEqual([
        'product.created A',
        'stock.changed A',
        `reservation.created ${id}`,
        'stock.changed A',
        `reservation.shipped ${id}`,
        'stock.changed A',
        'level.updated A',
        expect.stringMatching(/^alert\.opened /),
      ]);
      const positions = items.map((event) => event.position);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
      expect(new Set(positions).size).toBe(positions.length);
      expect(items[2]?.data).toMatchObject({ id, status: 'pending', orderId: 'O-1' });
      expect(items[0]).toMatchObject({ specversion: '1.0', source: '/holdfast', actor: 'open' });
    }
  });

  it('has each ledger entry as GET /ledger shows it', async () => {
    const ledger = (await call(one, 'GET', '/inventory/A/ledger?sort=seq')).body['items'];
    const { items } = await list(one, 'topics=product:A&types=stock.changed');
    expect(items.map(({ data }) => data)).toEqual(ledger);
  });

  it('has the entries of a level that is ahead of a clock that was set back', async () => {
    await makeProduct('AHEAD');
    const { position } = await list(one, 'limit=200');
    await owner.query(`UPDATE level SET last_movement_at = now() + interval '1 hour'
      WHERE product_id = (SELECT id FROM product WHERE sku = 'AHEAD')`);
    await call(one, 'POST', '/inventory/AHEAD/adjust', { location: 'WH', type: 'add', quantity: 1 });
    const { items } = await list(one, `after=${position}`);
    expect(items.filter(({ data }) => data.sku === 'AHEAD').map(({ type }) => type)).toContain('stock.changed');
  });

  it('filters by topics and types', async () => {
    await makeProduct('B');
    const types = async (query: string): Promise<string[]> => [
      ...new Set((await list(one, query)).items.map(({ type }) => type)),
    ];
    expect(await types('topics=product:B')).toEqual(['product.created', 'stock.changed']);
    expect(await types('topics=alerts')).toEqual(['alert.opened']);
    expect(await types('topics=reservations&types=reservation.*')).not.toContain('stock.changed');
    expect(await types('topics=location:WH&types=location.*')).toEqual(['location.created']);
    expect(await types('topics=product:NONE')).toEqual([]);
  });

  it.each([
    ['types=stock.changed,nonsense', 'types'],
    ['topics=alerts,product:', 'topics'],
    ['topics=everything', 'topics'],
    ['after=-1', 'after'],
    ['after=1.5', 'after'],
    ['after=1&cursor=abc', 'after'],
  ])('refuses %s', async (query, path) => {
    const { status, body } = await call(one, 'GET', `/events?${query}`);
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ path }]);
  });

  it('misses nobody who commits late, and shows nobody before it commits', async () => {
    await makeProduct('LATE');
    await makeProduct('EARLY');
    const { position } = await list(one, 'topics=product:LATE');
    const session = new pg.Client(one.connection);
    await session.connect();
    // Takes its numbers first and commits last, as a batch does that is slow to commit.
    await session.query('BEGIN');
    const { rows } = await session.query<{ block: string }>(`SELECT nextval('entry_seq') AS block`);
    const block = rows[0]?.block;
    await session.query(
      `INSERT INTO journal_entry (id, at, kind, actor, subject, data) VALUES ($1, '2026-01-01', 'product.updated', 'late', 'LATE', '{"sku":"LATE"}')`,
      [block],
    );
    await session.query(
      `INSERT INTO event_batch (first_id, last_id, at, ledger_until) VALUES ($1, $1, '2026-01-01', '2026-01-01')`,
      [block],
    );
    for (let round = 0; round < 3; round += 1) {
      await call(one, 'POST', '/inventory/EARLY/adjust', { location: 'WH', type: 'add', quantity: 1 });
    }
    const before = await list(one, `after=${position}`);
    expect(before.items.filter(({ actor }) => actor === 'late')).toEqual([]);
    await session.query('COMMIT');
    await session.end();
    const after = await list(one, `after=${before.position}`);
    expect(after.items.map(({ actor, subject }) => [actor, subject])).toEqual([['late', 'LATE']]);
  });

  it('is told live to who follows it on another instance, without a gap or a repeat', async () => {
    await makeProduct('LIVE', 1_000);
    const from = await other.server.events.feed.now();
    const seen: StreamEvent[] = [];
    const stop = other.server.events.feed.subscribe({ onEvents: (events) => void seen.push(...events) });
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        call(index % 2 === 0 ? one : other, 'POST', '/inventory/LIVE/reserve', { location: 'WH', quantity: 1 }),
      ),
    );
    await expect.poll(() => seen.filter(({ type }) => type === 'reservation.created').length).toBe(200);
    stop();
    const expected = (await list(one, `after=${from}&topics=product:LIVE`)).items;
    const live = seen.filter(({ position }) => position > from).map(({ json }) => JSON.parse(json) as CloudEvent);
    expect(live.filter(({ subject, data }) => subject === 'LIVE' || data.status === 'pending')).toEqual(expected);
    const seqs = live.flatMap(({ data }) => data.seq ?? []);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('is numbered at once for who waits, however lately it was numbered', async () => {
    const sequencer = new Sequencer({ database: one.database, pauseMs: 600_000 });
    const { head } = await sequencer.number();
    await makeProduct('HASTE');
    sequencer.wake();
    expect((await sequencer.number()).head).toBeGreaterThan(head);
    await sequencer.stop();
  });

  it('is numbered by a statement that is not compiled, whatever the database prefers', async () => {
    const lane = await one.database.openLane('numbering');
    await lane.query(`SET jit = on`);
    const [begin = '', settings = ''] = numberingStatements(null, 1, null);
    await lane.query(begin);
    await lane.query(settings);
    expect((await lane.query('SHOW jit')).rows).toEqual([['off']]);
    await lane.end();
  });

  it('goes on far above what readers knew when the database is another than before', async () => {
    const { position } = await list(one, 'after=0&limit=200');
    await owner.query(`UPDATE event_stream SET origin = 'a database that was'`);
    await makeProduct('RESTORED');
    const { items, position: later } = await list(one, `after=${position}`);
    expect(items.map(({ type }) => type)).toEqual(['product.created', 'stock.changed']);
    expect(later).toBeGreaterThan(position + 2 ** 32);
    await makeProduct('NEXT');
    expect((await list(one, `after=${later}`)).position).toBeLessThan(later + 3 * 4096);
  });

  it('does so, too, when a dump was restored into the same database', async () => {
    const { position } = await list(one, 'after=0&limit=200');
    // What pg_restore --clean does to the table: the same row, in another one.
    await owner.query(`BEGIN;
      ALTER TABLE event_stream RENAME TO event_stream_before;
      CREATE TABLE event_stream (LIKE event_stream_before INCLUDING ALL);
      INSERT INTO event_stream SELECT * FROM event_stream_before;
      GRANT SELECT, UPDATE ON event_stream TO holdfast_app;
      DROP TABLE event_stream_before;
      COMMIT`);
    await makeProduct('DUMPED');
    expect((await list(one, `after=${position}`)).position).toBeGreaterThan(position + 2 ** 32);
  });

  it('forgets what is older than it is kept, and tells readers who come too late', async () => {
    const { rows } = await owner.query<{ position: number }>(
      `UPDATE event_batch SET at = at - interval '200 hours' WHERE position <= (SELECT position FROM event_batch ORDER BY position OFFSET 4 LIMIT 1) RETURNING position`,
    );
    expect(rows.length).toBe(5);
    expect(await one.server.events.retention.runOnce()).toBe(5);
    const gone = await call(one, 'GET', '/events?after=0');
    expect([gone.status, gone.body['code']]).toEqual([410, 'position_gone']);
    const rest = await list(one, 'limit=200');
    expect(rest.items[0]?.position).toBeGreaterThan(gone.body['earliest'] as number);
    expect((await list(one, `after=${gone.body['earliest'] as number}`)).items).toEqual(rest.items);
  });
});
