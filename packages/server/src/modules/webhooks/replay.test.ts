import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { eventsOfRange, REPLAY_MAX } from './replay.range.ts';
import { MemoryFeed, Receiver } from './webhooks.fixture.ts';

const EVERYTHING = { types: ['*'], topics: [] };

describe('the events of a range', () => {
  const feed = new MemoryFeed();
  const start = Date.parse('2026-11-20T10:00:00Z');
  const at = (minute: number): string => new Date(start + minute * 60_000).toISOString();
  for (let minute = 0; minute < 600; minute += 1) feed.push(`SKU-${minute % 2}`, 'stock.changed', new Date(at(minute)));

  const positions = async (from: number | string, to?: number | string, upTo = 600): Promise<number[]> =>
    (await eventsOfRange(feed, { from, to }, EVERYTHING, upTo)).map(({ position }) => position);

  it('are those from one position to another, both included', async () => {
    expect(await positions(3, 5)).toEqual([3, 4, 5]);
    expect(await positions(599)).toEqual([599, 600]);
    expect(await positions(599, 10_000, 599)).toEqual([599]);
    expect(await positions(700)).toEqual([]);
  });

  it('are those from one instant on and before another', async () => {
    expect(await positions(at(100), at(103))).toEqual([101, 102, 103]);
    expect(await positions(at(598))).toEqual([599, 600]);
    expect(await positions('2026-11-20T10:00:00.0001Z', at(2))).toEqual([2]);
    expect(await positions(at(100), 102)).toEqual([101, 102]);
    expect(await positions('2030-01-01T00:00:00Z')).toEqual([]);
    expect(await positions('1970-01-01T00:00:00Z', at(1))).toEqual([1]);
  });

  it('are those that pass the filter', async () => {
    const found = await eventsOfRange(feed, { from: 1, to: 6 }, { types: ['stock.*'], topics: ['product:SKU-0'] }, 600);
    expect(found.map(({ position }) => position)).toEqual([1, 3, 5]);
  });

  it('do not run backwards', async () => {
    await expect(positions(5, 4)).rejects.toMatchObject({ code: 'validation_failed' });
    await expect(positions(at(5), at(4))).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('are not too many', async () => {
    const long = new MemoryFeed();
    for (let index = 0; index < REPLAY_MAX + 1; index += 1) long.push('SKU-1');
    const range = (to: number) => eventsOfRange(long, { from: 1, to }, EVERYTHING, REPLAY_MAX + 1);
    expect(await range(REPLAY_MAX)).toHaveLength(REPLAY_MAX);
    await expect(range(REPLAY_MAX + 1)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('do not carry too much', async () => {
    const long = new MemoryFeed();
    const pad = 'x'.repeat(1_000_000);
    for (let index = 0; index < 40; index += 1) long.push('SKU-1').json += pad;
    const range = (to: number) => eventsOfRange(long, { from: 1, to }, EVERYTHING, 40);
    expect(await range(31)).toHaveLength(31);
    await expect(range(40)).rejects.toMatchObject({
      extensions: { errors: [{ path: '/to', message: expect.stringContaining('must be before position 32') }] },
    });
  });

  it('are all found however slowly the last of them are read, or it is said how far they were looked for', async () => {
    const long = new MemoryFeed();
    for (let index = 0; index < 4_001; index += 1) long.push('SKU-1');
    let readMs = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => long.reads * readMs);
    const range = () => eventsOfRange(long, { from: 1, to: undefined }, EVERYTHING, 4_001);
    readMs = 1_500;
    expect(await range()).toHaveLength(4_001);
    readMs = 2_000;
    await expect(range()).rejects.toMatchObject({
      extensions: { errors: [{ path: '/to', message: expect.stringContaining('up to position 4000') }] },
    });
    now.mockRestore();
  });

  it('are still kept, all of them', async () => {
    const short = new MemoryFeed();
    for (let minute = 0; minute < 10; minute += 1) short.push('SKU-1', 'stock.changed', new Date(at(minute)));
    short.forget(5);
    const range = (from: number | string) => eventsOfRange(short, { from, to: undefined }, EVERYTHING, 10);
    await expect(range(3)).rejects.toMatchObject({ code: 'position_gone' });
    await expect(range(at(0))).rejects.toMatchObject({ code: 'position_gone' });
    expect((await range(at(5))).map(({ position }) => position)).toEqual([6, 7, 8, 9, 10]);
  });
});

describe('the events of an instant in a long stream', () => {
  const RUNS = 4_000;
  const EVENTS_IN_A_RUN = 5;
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    await layRuns();
  });
  afterAll(() => app.close());

  /** A run a minute. Only the last entry of each is an event, every hundredth time of a MUG: the others are the audit's. */
  async function layRuns(): Promise<void> {
    const owner = new pg.Client(app.connection);
    await owner.connect();
    await owner.query(
      `WITH run AS (SELECT n, n * 4096 AS id, $2::timestamptz + n * interval '1 minute' AS at FROM generate_series(0, $1 - 1) n),
        entry AS (INSERT INTO journal_entry (id, at, kind, actor, subject, data)
          SELECT id + place, at, CASE place WHEN 4 THEN 'product.updated' ELSE 'api_key.created' END, 'open',
            CASE n % 100 WHEN 0 THEN 'MUG' ELSE 'CUP' END, '{}' FROM run, generate_series(0, 4) place),
        laid AS (INSERT INTO event_batch SELECT id, id + 4, at, at, n * 5 + 1 FROM run)
        UPDATE event_stream SET head = 5 * $1, origin = event_stream_origin()`,
      [RUNS, at(0)],
    );
    await owner.end();
  }

  const start = Date.now() - RUNS * 60_000;
  const at = (run: number): string => new Date(start + run * 60_000).toISOString();
  const look = async (from: number, to: number | undefined, topics: string[] = []) => {
    const { feed } = app.server.events;
    const reads = vi.spyOn(feed, 'read');
    const range = { from: at(from), to: to === undefined ? undefined : at(to) };
    const found = await eventsOfRange(feed, range, { types: ['*'], topics }, RUNS * EVENTS_IN_A_RUN);
    const looked = reads.mock.calls.length;
    reads.mockRestore();
    return { runs: found.map(({ position }) => position / EVENTS_IN_A_RUN - 1), looked };
  };

  it('are found at once, whatever lies between them', async () => {
    expect(await look(3_998, undefined)).toEqual({ runs: [3_998, 3_999], looked: 1 });
    expect(await look(1_234, 1_237)).toEqual({ runs: [1_234, 1_235, 1_236], looked: 1 });
    expect(await look(0, 2)).toEqual({ runs: [0, 1], looked: 1 });
    expect(await look(-10, 1)).toEqual({ runs: [0], looked: 1 });
  });

  it('are looked for no further than to the end of the range, also where few pass the filter', async () => {
    expect(await look(100, 201, ['product:MUG'])).toEqual({ runs: [100, 200], looked: 1 });
  });
});

describe('a replay', () => {
  let app: TestApp;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await Receiver.start();
    app = await startTestApp({ env: { HOLDFAST_EGRESS_ALLOW: '127.0.0.1' }, duties: true });
  });
  afterAll(async () => {
    await app.close();
    await receiver.close();
  });
  const ask = async (method: 'GET' | 'POST' | 'PATCH', path: string, payload: object = {}, headers = {}) => {
    const body = method === 'GET' ? {} : { payload };
    const answer = await app.app.inject({ method, url: `/api/v1${path}`, headers, ...body });
    return { status: answer.statusCode, body: answer.json() };
  };

  it('sends what was sent before once more, under the same ids and in order', async () => {
    await ask('POST', '/products', { sku: 'MUG', name: 'Mug' });
    await ask('POST', '/locations', { code: 'WH', name: 'WH', type: 'warehouse' });
    const { body: made } = await ask('POST', '/webhooks', { url: receiver.url, events: ['stock.changed'] });
    const adjust = () => ask('POST', '/inventory/MUG/adjust', { location: 'WH', type: 'add', quantity: 1 });
    for (let count = 0; count < 5; count += 1) await adjust();
    await expect.poll(() => receiver.positions.length, { timeout: 10_000 }).toBe(5);
    const first = [...receiver.received];
    const log = () => ask('GET', `/webhooks/${made.id}/deliveries?status=delivered`);
    await expect.poll(async () => (await log()).body.items.length).toBe(5);

    const range = { from: first[1]?.event.position, to: first[3]?.event.position };
    const key = { 'idempotency-key': 'replay-1' };
    const replay = await ask('POST', `/webhooks/${made.id}/replay`, range, key);
    expect(replay).toEqual({ status: 202, body: { events: 3, ...range } });
    expect(await ask('POST', `/webhooks/${made.id}/replay`, range, key)).toEqual(replay);
    await expect.poll(() => receiver.positions.length, { timeout: 10_000 }).toBe(8);
    expect(receiver.received.slice(5).map(({ headers, body }) => [headers['webhook-id'], body])).toEqual(
      first.slice(1, 4).map(({ headers, body }) => [headers['webhook-id'], body]),
    );
    await expect
      .poll(async () => (await log()).body.items.filter((one: { replay: boolean }) => one.replay).length)
      .toBe(3);

    const since = await ask('POST', `/webhooks/${made.id}/replay`, { from: '2020-01-01T00:00:00Z' });
    expect(since.body.events).toBe(5);
    await adjust();
    await expect.poll(() => receiver.positions.length, { timeout: 10_000 }).toBe(14);
    const { items } = (await ask('GET', '/audit?kind=webhook.replayed')).body;
    expect(items[0]).toMatchObject({ subject: made.id, data: { events: 5 } });
  });

  it('is refused for a disabled webhook, and for what is no range', async () => {
    const { body: made } = await ask('POST', '/webhooks', { url: receiver.url, events: ['*'], enabled: false });
    const replay = (body: object) => ask('POST', `/webhooks/${made.id}/replay`, body);
    expect((await replay({ from: 0 })).body.code).toBe('webhook_disabled');
    for (const body of [{}, { from: 'yesterday' }, { from: -1 }, { from: 5, to: 4 }, { from: 1.5 }]) {
      expect((await replay(body)).body.code).toBe('validation_failed');
    }
  });
});

describe('metrics', () => {
  it('count attempts and open circuits', async () => {
    const app = await startTestApp();
    const { body } = await app.app.inject({ url: '/metrics' });
    expect(body).toContain('# TYPE webhook_deliveries_total counter');
    expect(body).toContain('webhook_endpoints_open_circuit 0');
    await app.close();
  });
});
