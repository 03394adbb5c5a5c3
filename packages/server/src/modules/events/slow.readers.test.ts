import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { isOpen, openSocket, readStream, startLiveApp, type LiveApp } from './live.fixture.ts';

const BIG_EVENTS = 40;
/** So many are taken at once: more than kernels must be rid of before they take more. */
const STEP = 5;
const BIG_BYTES = 1_000_000;

let app: LiveApp;
let afterBig: number;
const open: { close(): void }[] = [];

beforeAll(async () => {
  app = await startLiveApp();
  await app.call('POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
  await app.makeProduct('A');
  const owner = new pg.Client(app.connection);
  await owner.connect();
  await owner.query(
    `WITH run AS (SELECT nextval('entry_seq') AS first),
      entry AS (INSERT INTO journal_entry (id, at, kind, actor, subject, data)
        SELECT first + n - 1, now(), 'product.updated', 'open', 'B', ('{"notes":"' || repeat('x', $2) || '"}') FROM run, generate_series(1, $1) n)
      INSERT INTO event_batch (first_id, last_id, at, ledger_until) SELECT first, first + $1 - 1, now(), now() FROM run`,
    [BIG_EVENTS, BIG_BYTES],
  );
  await owner.end();
  afterBig = (await app.call('GET', '/events?limit=1&types=rate_limit.limited'))['position'] as number;
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
  vi.restoreAllMocks();
});
afterAll(() => app.close());

/** Makes the process's clock go on by so much, and waits until all connections have been looked at since. */
async function clockOf(): Promise<(ms: number) => Promise<void>> {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs);
  // It comes last, and hears a heartbeat after every 15 s.
  const idle = await readRaw('?topics=product:NONE');
  idle.answer.resume();
  return async (ms) => {
    const heard = idle.text().length;
    aheadMs += ms;
    await expect.poll(() => idle.text().length, { timeout: 20_000 }).toBeGreaterThan(heard);
  };
}

/** A reader of the stream that takes what it is told to take. */
async function readRaw(query: string) {
  const request = get(`${app.url}/api/v1/events/stream${query}`);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const parts: string[] = [];
  let taken = 0;
  answer.setEncoding('latin1').on('data', (part: string) => {
    parts.push(part);
    taken += part.length;
  });
  let hasEnded = false;
  answer.on('error', () => undefined).on('close', () => (hasEnded = true));
  open.push({ close: () => answer.destroy() });
  return {
    answer,
    hasEnded: () => hasEnded,
    text: () => parts.join(''),
    /** Until it has so many bytes. */
    takeUpTo: async (goal: number) => {
      answer.resume();
      await expect.poll(() => taken >= goal || hasEnded, { timeout: 20_000, interval: 5 }).toBe(true);
      answer.pause();
    },
  };
}

async function openSlowSocket(message: object) {
  const socket = await openSocket(app.url);
  open.push(socket);
  socket.send({ type: 'subscribe', ...message });
  await expect.poll(() => socket.messages.length).toBeGreaterThanOrEqual(1);
  socket.ws.pause();
  return socket;
}

it('one that stalls is cut and told why, and slows nobody', { timeout: 60_000 }, async () => {
  const slow = await readRaw(`?after=${afterBig}`);
  await slow.takeUpTo(1);
  const slowSocket = await openSlowSocket({ after: afterBig });
  const [reader, socket] = [readStream(app.url, { query: `?after=${afterBig}` }), await openSocket(app.url)];
  open.push(reader, socket);
  socket.send({ type: 'subscribe', after: afterBig });
  await isOpen(reader);
  await expect.poll(() => socket.messages.length).toBe(1);
  const pass = await clockOf();

  // 20 MB of events: more than kernels hold for a reader who does not read.
  const notes = 'x'.repeat(5_000);
  const adjustment = { sku: 'A', location: 'WH', type: 'add', quantity: 1, notes };
  const adjustments = Array.from({ length: 1_000 }, () => adjustment);
  for (let round = 0; round < 4; round += 1) await app.call('POST', '/adjustments', { adjustments });
  await expect.poll(() => [reader.events.length, socket.events().length]).toEqual([4_000, 4_000]);

  // After 30 s without taking anything; it has some more to take what is left.
  await pass(31_000);
  slow.answer.resume();
  slowSocket.ws.resume();
  expect(await slowSocket.closed).toEqual({ code: 1013, reason: 'slow_reader' });
  expect(slowSocket.messages.at(-1)).toMatchObject({ type: 'error', code: 'slow_reader' });
  await expect.poll(slow.hasEnded).toBe(true);
  expect(slow.text().slice(-400)).toMatch(/\nevent: error\ndata: \{"code":"slow_reader".*\}\n\n/);

  // What it has is without a gap, and it goes on from there.
  const positions = [...slow.text().matchAll(/^id: (\d+)\nevent: stock\.changed$/gm)].map(([, id]) => Number(id));
  expect(positions.length).toBeGreaterThan(100);
  expect(positions).toEqual(reader.events.slice(0, positions.length).map(({ position }) => position));
  const again = readStream(app.url, { query: `?after=${positions.at(-1)}` });
  open.push(again);
  const rest = 4_000 - positions.length;
  await expect.poll(() => again.events.length, { timeout: 20_000 }).toBe(rest);
  expect(again.events).toEqual(reader.events.slice(-rest));
});

it(
  'one that goes on taking events of a megabyte, however slowly, gets each of them',
  { timeout: 120_000 },
  async () => {
    const slow = await readRaw('?types=product.updated&after=0');
    slow.answer.pause();
    const slowSocket = await openSlowSocket({ types: ['product.updated'], after: 0 });
    const pass = await clockOf();
    for (let taken = 0; taken < BIG_EVENTS && !slow.hasEnded(); taken += STEP) {
      await slow.takeUpTo((taken + STEP) * BIG_BYTES);
      const had = slowSocket.messages.length;
      slowSocket.ws.resume();
      await expect
        .poll(() => slowSocket.messages.length, { timeout: 30_000 })
        .toBeGreaterThanOrEqual(Math.min(had + STEP, BIG_EVENTS + 1));
      slowSocket.ws.pause();
      await pass(20_000);
    }
    const ids = [...slow.text().matchAll(/^id: (\d+)\nevent: product\.updated$/gm)].map(([, id]) => Number(id));
    expect(ids).toHaveLength(BIG_EVENTS);
    expect(slowSocket.events().map(({ position }) => position)).toEqual(ids);
    expect(slowSocket.events().map(({ data }) => String(data['notes']).length)).toEqual(ids.map(() => BIG_BYTES));
    expect(slowSocket.messages.filter(({ type }) => type === 'error')).toEqual([]);
  },
);
