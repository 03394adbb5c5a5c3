import { Webhook } from 'standardwebhooks';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { systemClock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { DeliveryView, StatusView } from './delivery.schema.ts';
import { insertReplay } from './delivery.sql.ts';
import { releaseLease } from './progress.sql.ts';
import { CLOSED } from './retry.rules.ts';
import { Settlement } from './settlement.ts';
import { newItem } from './subject.lanes.ts';
import { MemoryFeed, Receiver, startInstance } from './webhooks.fixture.ts';

let app: TestApp;
let receiver: Receiver;
let feed: MemoryFeed;
let instances: ReturnType<typeof startInstance>[] = [];

beforeAll(async () => {
  app = await startTestApp({ env: { HOLDFAST_EGRESS_ALLOW: '127.0.0.1' } });
});
afterAll(() => app.close());
beforeEach(async () => {
  await app.database.kysely.deleteFrom('webhook_progress').execute();
  await app.database.kysely.deleteFrom('webhook').execute();
  receiver = await Receiver.start();
  feed = new MemoryFeed();
});
afterEach(async () => {
  for (const one of instances) await one.stop();
  instances = [];
  await receiver.close();
});

async function ask(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await app.app.inject({ method, url: `/api/v1${path}`, ...payload });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.json();
}

function instance(): ReturnType<typeof startInstance> {
  const one = startInstance(app, feed);
  instances.push(one);
  return one;
}

interface Made {
  id: string;
  secret: string;
}
/** The routes know the app's own stream; the instances of these tests deliver another one, from its beginning. */
async function create(body: object = {}): Promise<Made> {
  const made: Made = await ask('POST', '/webhooks', { url: receiver.url, events: ['*'], ...body });
  await standAt(made.id, 0);
  return made;
}
async function standAt(id: string, position: number): Promise<void> {
  await app.database.kysely.updateTable('webhook_progress').set({ position }).where('webhook_id', '=', id).execute();
}
const deliveries = async (id: string, query = ''): Promise<DeliveryView[]> =>
  (await ask('GET', `/webhooks/${id}/deliveries?limit=200${query}`)).items;
const statusOf = (id: string): Promise<StatusView> => ask('GET', `/webhooks/${id}/status`);

/** Refuses these subjects, with this status. */
function refusing(subjects: string[], status = 500): void {
  receiver.answer = ({ event }, response) => {
    response.statusCode = subjects.includes(event.subject) ? status : 204;
    response.end(response.statusCode === 204 ? undefined : 'no, thanks');
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('an event', () => {
  it('is sent as it is, signed so that the public library verifies it', async () => {
    const { id, secret } = await create();
    const event = feed.push('SKU-1');
    await instance().run();
    const [received] = receiver.received;
    expect(received?.body).toBe(event.json);
    expect(received?.headers).toMatchObject({
      'webhook-id': 'evt_1',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Holdfast-Webhooks',
    });
    const headers = received?.headers as Record<string, string>;
    expect(new Webhook(secret).verify(received?.body ?? '', headers)).toMatchObject({ subject: 'SKU-1' });
    expect(() => new Webhook(secret).verify(`${received?.body} `, headers)).toThrow('No matching signature');
    expect(await deliveries(id)).toEqual([
      {
        id: expect.any(String),
        messageId: 'evt_1',
        position: 1,
        type: 'stock.changed',
        subject: 'SKU-1',
        eventAt: event.time,
        replay: false,
        status: 'delivered',
        attemptCount: 1,
        attempts: [
          {
            at: expect.any(String),
            responseStatus: 200,
            durationMs: expect.any(Number),
            error: null,
            response: null,
          },
        ],
        nextAttemptAt: null,
        createdAt: expect.any(String),
        finishedAt: expect.any(String),
      },
    ]);
    expect(await statusOf(id)).toMatchObject({ position: 1, pending: 0, setAside: 0, circuit: 'closed', missed: null });
  });

  it('is sent to those who asked for its type and topic', async () => {
    const other = await Receiver.start();
    await create({ events: ['reservation.*'] });
    await create({ url: other.url, topics: ['product:SKU-2'] });
    feed.push('SKU-1');
    feed.push('SKU-2');
    feed.push('R-1', 'reservation.created');
    feed.push('R-1', 'reservation.shipped');
    await instance().run();
    expect([receiver.positions, other.positions]).toEqual([[3, 4], [2]]);
    await other.close();
  });

  it('that happened before the webhook was made, or while it is disabled, is not sent', async () => {
    const { id } = await create();
    const one = instance();
    await ask('PATCH', `/webhooks/${id}`, { enabled: false });
    feed.push('SKU-1');
    await one.run();
    expect(receiver.positions).toEqual([]);
    await ask('PATCH', `/webhooks/${id}`, { enabled: true });
    await one.run();
    expect(receiver.positions).toEqual([1]);
  });

  it('is sent again after 1, 2, 5, 15 and 60 seconds, under the same id, until it is taken', async () => {
    const { id, secret } = await create();
    refusing(['SKU-1'], 503);
    feed.push('SKU-1');
    const one = instance();
    one.clock.stop();
    await one.run();
    for (const [count, seconds] of [1, 2, 5, 15].entries()) {
      await one.run((seconds - 0.2) * 1000);
      expect(receiver.received).toHaveLength(count + 1);
      await one.run(250);
      expect(receiver.received).toHaveLength(count + 2);
    }
    const [pending] = await deliveries(id);
    expect(pending).toMatchObject({ status: 'pending', attemptCount: 5, finishedAt: null });
    expect(pending?.nextAttemptAt).toMatch(/Z$/);
    expect(pending?.attempts[4]).toMatchObject({
      responseStatus: 503,
      error: 'the endpoint answered 503',
      response: 'no, thanks',
    });
    refusing([]);
    await one.run(MINUTE_MS);
    expect(receiver.received).toHaveLength(6);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['evt_1']));
    for (const { body, headers } of receiver.received)
      new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(await deliveries(id)).toMatchObject([{ status: 'delivered', attemptCount: 6 }]);
  });

  it('counts as refused by a redirect, which is not followed', async () => {
    const { id } = await create();
    receiver.answer = (_received, response) => void response.writeHead(307, { location: receiver.url }).end();
    feed.push('SKU-1');
    await instance().run();
    expect(receiver.received).toHaveLength(1);
    expect((await deliveries(id))[0]?.attempts[0]?.error).toBe('the endpoint answered 307; redirects are not followed');
  });

  it('is left alone for as long as the endpoint asks', async () => {
    await create();
    receiver.answer = (_received, response) => void response.writeHead(429, { 'retry-after': '30' }).end();
    feed.push('SKU-1');
    const one = instance();
    one.clock.stop();
    await one.run();
    feed.push('SKU-2');
    await one.run(29_000);
    expect(receiver.received).toHaveLength(1);
    await one.run(1_500);
    expect(receiver.received.length).toBeGreaterThan(1);
  });
});

describe('order', () => {
  it('holds per subject, while other subjects proceed', async () => {
    const { id } = await create();
    refusing(['SKU-1']);
    const one = instance();
    for (const subject of ['SKU-1', 'SKU-2', 'SKU-1', 'SKU-2']) feed.push(subject);
    await one.run();
    feed.push('SKU-1');
    await one.run();
    expect(receiver.positions).toEqual([1, 2, 4]);
    expect(await statusOf(id)).toMatchObject({ position: 5, pending: 3 });
    refusing([]);
    await one.run(1_300);
    expect(receiver.positions).toEqual([1, 2, 4, 1, 3, 5]);
    expect(await statusOf(id)).toMatchObject({ position: 5, pending: 0 });
  });

  it('holds through a change of instance', async () => {
    const { id } = await create();
    refusing(['SKU-1']);
    const first = instance();
    for (const subject of ['SKU-1', 'SKU-1', 'SKU-2']) feed.push(subject);
    await first.run();
    await first.stop();
    refusing([]);
    feed.push('SKU-1');
    const second = instance();
    await second.run();
    await second.run(1_300);
    expect(receiver.positions).toEqual([1, 3, 1, 2, 4]);
    expect(await deliveries(id, '&status=delivered')).toHaveLength(4);
  });

  it('holds for a thousand events of fifty subjects at an endpoint that often fails', async () => {
    await create();
    let count = 0;
    receiver.answer = (_received, response) => {
      count += 1;
      response.statusCode = count % 7 === 0 ? 500 : 200;
      response.end();
    };
    const taken: number[] = [];
    const answer = receiver.answer;
    receiver.answer = (received, response) => {
      answer(received, response);
      if (response.statusCode === 200) taken.push(received.event.position);
    };
    for (let index = 0; index < 1_000; index += 1) feed.push(`SKU-${index % 50}`);
    const one = instance();
    for (let round = 0; taken.length < 1_000 && round < 200; round += 1) await one.run(20_000);
    expect(taken.toSorted((left, right) => left - right)).toEqual(feed.events.map(({ position }) => position));
    for (let subject = 0; subject < 50; subject += 1) {
      const own = taken.filter((position) => (position - 1) % 50 === subject);
      expect(own).toEqual(own.toSorted((left, right) => left - right));
    }
  });
});

describe('an event that is refused', () => {
  it('ten times by an otherwise healthy endpoint is set aside, and the rest of its subject goes on', async () => {
    const { id } = await create();
    let refusals = 0;
    receiver.answer = ({ event }, response) => {
      const isPoison = event.position === 1;
      if (isPoison) refusals += 1;
      response.writeHead(isPoison ? 400 : 200).end('bad');
    };
    feed.push('SKU-1');
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    for (let hour = 0; hour < 10 && refusals < 10; hour += 1) {
      feed.push('SKU-2');
      await one.run(HOUR_MS);
    }
    expect(refusals).toBe(10);
    await one.run(HOUR_MS);
    expect(refusals).toBe(10);
    expect(receiver.positions).toContain(2);
    expect(await deliveries(id, '&status=set_aside')).toMatchObject([
      {
        position: 1,
        attemptCount: 10,
        attempts: expect.arrayContaining([expect.objectContaining({ responseStatus: 400 })]),
      },
    ]);
    expect(one.told).toMatchObject([{ details: { webhook: id, position: 1, subject: 'SKU-1', attempts: 10 } }]);
    expect(await statusOf(id)).toMatchObject({ setAside: 1, pending: 0, circuit: 'closed' });
  });

  it('by an endpoint that takes nothing else is given up after three days', async () => {
    const { id } = await create();
    receiver.answer = (_received, response) => void response.writeHead(400).end();
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    for (let hour = 0; hour < 73; hour += 1) await one.run(HOUR_MS);
    expect(await deliveries(id)).toMatchObject([{ status: 'failed', position: 1 }]);
    expect(receiver.received.length).toBeLessThan(25);
  });
});

describe('an endpoint', () => {
  it('that answers 410 is disabled, and goes on where it stopped when it is enabled', async () => {
    const { id } = await create();
    refusing(['SKU-1'], 410);
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    await expect.poll(() => ask('GET', `/webhooks/${id}`)).toMatchObject({ enabled: false, disabledReason: 'gone' });
    feed.push('SKU-1');
    await one.run(HOUR_MS);
    expect(receiver.received).toHaveLength(1);
    const [audit] = (await ask('GET', '/audit?limit=1')).items;
    expect(audit).toMatchObject({ kind: 'webhook.disabled', actor: 'system:webhooks', subject: id });

    refusing([]);
    await ask('POST', `/webhooks/${id}/enable`);
    await one.run();
    expect(receiver.positions).toEqual([1, 1, 2]);
  });

  it('can be told to skip what it missed', async () => {
    const { id } = await create();
    refusing(['SKU-1'], 410);
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    await expect.poll(() => ask('GET', `/webhooks/${id}`)).toMatchObject({ enabled: false });
    refusing([]);
    await one.run();
    await ask('POST', `/webhooks/${id}/enable`, { from: 'now' });
    await standAt(id, 1);
    feed.push('SKU-1');
    await one.run();
    expect(receiver.positions).toEqual([1, 2]);
    expect(await statusOf(id)).toMatchObject({ pending: 0 });
  });

  it('that is dead costs nearly nothing, and is found alive within minutes', async () => {
    const { id } = await create();
    const { port } = receiver;
    await receiver.close();
    for (let index = 0; index < 500; index += 1) feed.push(`SKU-${index}`);
    const one = instance();
    await one.run();
    for (let second = 0; second < 3_600; second += 10) await one.run(10_000);
    const status = await statusOf(id);
    expect(status).toMatchObject({
      circuit: 'open',
      failingSince: expect.any(String),
      nextProbeAt: expect.any(String),
    });
    // 5 before it opened, some within the first minutes, then one per 5 minutes.
    expect(status.failuresInRow).toBeGreaterThan(10);
    expect(status.failuresInRow).toBeLessThan(25);
    expect(one.worker.openCircuits).toBe(1);
    expect(status.pending).toBeLessThan(25);

    receiver = new Receiver();
    await receiver.listen(port);
    await one.run(6 * MINUTE_MS);
    await one.run(1_000);
    expect(new Set(receiver.positions).size).toBe(500);
    expect(await statusOf(id)).toMatchObject({ circuit: 'closed', pending: 0, position: 500, failuresInRow: 0 });
  });

  it('that is dead is found alive within minutes however little there is to send', async () => {
    await create();
    const { port } = receiver;
    await receiver.close();
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    for (let minute = 0; minute < 60 * 6; minute += 5) await one.run(5 * MINUTE_MS);
    receiver = new Receiver();
    await receiver.listen(port);
    await one.run(6 * MINUTE_MS);
    expect(receiver.positions).toEqual([1]);
  });

  it('that is dead loses nothing, and has three days again when it is enabled', async () => {
    const { id } = await create();
    const { port } = receiver;
    await receiver.close();
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    for (let hour = 0; hour < 73; hour += 1) await one.run(HOUR_MS);
    await expect.poll(() => ask('GET', `/webhooks/${id}`)).toMatchObject({ disabledReason: 'unreachable' });
    await one.run();
    await app.database.kysely
      .updateTable('webhook_delivery')
      .set({ first_attempt_at: new Date(Date.now() - 4 * 24 * HOUR_MS).toISOString() })
      .execute();
    receiver = new Receiver();
    await receiver.listen(port);
    receiver.answer = (_received, response) => {
      response.statusCode = receiver.received.length === 1 ? 500 : 204;
      response.end();
    };
    await ask('POST', `/webhooks/${id}/enable`);
    await one.run();
    await one.run(2_000);
    expect(await deliveries(id)).toMatchObject([{ status: 'delivered', position: 1 }]);
  });

  it('that was changed meanwhile is not disabled for what the old one answered', async () => {
    const { id } = await create();
    const other = await Receiver.start();
    receiver.answer = (_received, response) => {
      void ask('PATCH', `/webhooks/${id}`, { url: other.url }).then(() => response.writeHead(410).end());
    };
    feed.push('SKU-1');
    const one = instance();
    await one.send();
    await one.run();
    await one.run(2_000);
    expect(await ask('GET', `/webhooks/${id}`)).toMatchObject({ url: other.url, enabled: true });
    await expect.poll(() => one.run(1_000).then(() => other.positions)).toEqual([1]);
    await other.close();
  });

  it('that is dead for three days is disabled', async () => {
    const { id } = await create();
    await receiver.close();
    for (let index = 0; index < 10; index += 1) feed.push(`SKU-${index}`);
    const one = instance();
    await one.run();
    for (let hour = 0; hour < 73; hour += 1) await one.run(HOUR_MS);
    await expect.poll(() => ask('GET', `/webhooks/${id}`)).toMatchObject({ disabledReason: 'unreachable' });
    receiver = await Receiver.start();
  });

  it('that refuses one event of little traffic is not taken for dead', async () => {
    const { id } = await create();
    refusing(['SKU-1']);
    const one = instance();
    feed.push('SKU-1');
    await one.run();
    for (let minute = 0; minute < 30; minute += 1) await one.run(MINUTE_MS);
    feed.push('SKU-2');
    await one.run();
    expect(receiver.positions.at(-1)).toBe(2);
    expect(await statusOf(id)).toMatchObject({ circuit: 'closed', pending: 1 });
  });

  it('that was away for longer than the stream is kept goes on with what is left, and that is told', async () => {
    const { id } = await create();
    for (let index = 0; index < 10; index += 1) feed.push('SKU-1');
    feed.forget(7);
    const one = instance();
    await one.run();
    expect(receiver.positions).toEqual([8, 9, 10]);
    expect(await statusOf(id)).toMatchObject({ position: 10, missed: { from: 0, to: 7 } });
    expect(one.told).toMatchObject([{ details: { webhook: id, from: 0, to: 7 } }]);
  });

  it('that is forbidden by now is not called', async () => {
    const { id } = await create();
    await app.database.kysely.updateTable('webhook').set({ url: 'http://10.0.0.1/' }).execute();
    feed.push('SKU-1');
    await instance().run();
    expect((await deliveries(id))[0]?.attempts[0]).toMatchObject({
      responseStatus: null,
      error: expect.stringContaining('not public'),
    });
  });
});

describe('a secret that is replaced', () => {
  it('signs beside its successor for a day', async () => {
    const { id, secret: old } = await create();
    const rotated = await ask('POST', `/webhooks/${id}/rotate-secret`);
    expect(rotated).toMatchObject({ id, version: 2, secret: expect.stringMatching(/^whsec_/) });
    expect(Date.parse(rotated.previousSecretUntil) - Date.now()).toBeGreaterThan(23.9 * HOUR_MS);
    feed.push('SKU-1');
    const one = instance();
    await one.run();
    const [both] = receiver.received;
    for (const secret of [old, rotated.secret]) {
      new Webhook(secret).verify(both?.body ?? '', both?.headers as Record<string, string>);
    }
    feed.push('SKU-1');
    await one.run(24 * HOUR_MS);
    const [, later] = receiver.received;
    new Webhook(rotated.secret).verify(later?.body ?? '', later?.headers as Record<string, string>);
    expect(later?.headers['webhook-signature']).not.toContain(' ');
  });

  it('signs beside three others at most, the newest four, however many replace it at once', async () => {
    const { id, secret: oldest } = await create();
    const rotated: Made[] = await Promise.all(
      Array.from({ length: 4 }, () => ask('POST', `/webhooks/${id}/rotate-secret`)),
    );
    feed.push('SKU-1');
    await instance().run();
    const [received] = receiver.received;
    const verify = (secret: string) =>
      new Webhook(secret).verify(received?.body ?? '', received?.headers as Record<string, string>);
    for (const { secret } of rotated) verify(secret);
    expect(() => verify(oldest)).toThrow('No matching signature');
    expect(String(received?.headers['webhook-signature']).split(' ')).toHaveLength(4);
  });
});

describe('events of a megabyte', () => {
  /** As a reservation of many lines is. */
  function pushLarge(subject: string): void {
    const event = feed.push(subject);
    event.json = event.json.replace('}', `,"pad":"${'x'.repeat(1_000_000)}"}`);
  }

  it('that wait are written, and read again, a few at a time', async () => {
    const { id } = await create();
    for (let index = 0; index < 4; index += 1) pushLarge('SKU-1');
    const { database } = app;
    const lease = { webhookId: id, fence: 0 };
    const settlement = new Settlement({ database, lease, clock: systemClock, position: 0 });
    const items = feed.events.map((event) => newItem(event, newId(Date.now())));
    settlement.read(items, 4);
    for (const item of items) settlement.note(item);
    await settlement.flush(CLOSED);
    expect(settlement).toMatchObject({ unwritten: 2, position: 2 });
    expect(items.map(({ body }) => body === null)).toEqual([true, true, false, false]);
    await settlement.flush(CLOSED);
    expect(settlement).toMatchObject({ unwritten: 0, position: 4, backlog: 0, backlogChars: 0 });

    await releaseLease(database.kysely, lease);
    const one = instance();
    await one.run();
    expect(receiver.positions).toEqual(feed.events.map(({ position }) => position));
    expect(receiver.received.every(({ body }) => body.length > 1_000_000)).toBe(true);
    expect(one.errors).toEqual([]);
  });

  it('are not read on and on while the endpoint takes none', async () => {
    await create();
    receiver.answer = (_received, response) => void response.writeHead(503).end();
    for (let index = 0; index < 60; index += 1) pushLarge(`SKU-${index}`);
    const read = feed.read.bind(feed);
    feed.read = (after, options) => read(after, { ...options, limit: 4 });
    await instance().run();
    expect(feed.reads).toBeLessThan(6);
  });

  it('are replayed in statements of a few', async () => {
    const { id } = await create();
    for (let index = 0; index < 10; index += 1) pushLarge('SKU-1');
    const records = feed.events.map((event) => ({
      ...newItem(event, newId(Date.now())),
      firstAttemptAgoMs: null,
      nextAttemptInMs: null,
    }));
    await app.database.kysely.transaction().execute((tx) => insertReplay(tx, id, records));
    expect((await deliveries(id)).map(({ position }) => position)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });
});

it('the log is kept for three days where it was taken and for thirty where not, also of a disabled webhook', async () => {
  const enabled = await create();
  const disabled = await create({ enabled: false });
  const log = 'delivered 4, delivered 2, failed 31, set_aside 31, set_aside 29, pending 40, delivered 3.1, failed 5';
  for (const { id } of [enabled, disabled]) {
    for (const [index, [status = '', ago]] of log
      .split(', ')
      .map((text) => text.split(' '))
      .entries()) {
      const at = sql<Date>`now() - ${Number(ago)} * interval '1 day'`;
      await sql`INSERT INTO webhook_delivery (id, webhook_id, position, type, subject, event_at, is_replay, status, attempts,
          refusals, history, body, created_at, finished_at)
        VALUES (${newId(Date.now())}, ${id}, ${index}, ${'stock.changed'}, 'A', ${at}, false, ${status}, 0, 0, '[]', '{}',
          ${at}, ${status === 'pending' ? null : at})`.execute(app.database.kysely);
    }
  }
  receiver.answer = (_received, response) => void response.writeHead(503).end();
  const one = instance();
  await one.run();
  await one.run(MINUTE_MS);
  for (const { id } of [enabled, disabled]) {
    expect((await deliveries(id)).map(({ position }) => position)).toEqual([7, 5, 4, 1]);
  }
});

describe('a test', () => {
  it('is sent at once, also to a disabled endpoint, and answers with the result', async () => {
    const { id, secret } = await create({ enabled: false });
    receiver.answer = (_received, response) => void response.writeHead(202).end('ok');
    const result = await ask('POST', `/webhooks/${id}/test`);
    expect(result).toEqual({
      delivered: true,
      messageId: expect.stringMatching(/^test_/),
      at: expect.any(String),
      responseStatus: 202,
      durationMs: expect.any(Number),
      error: null,
      response: 'ok',
    });
    const [received] = receiver.received;
    expect(received?.event).toMatchObject({ type: 'webhook.test', subject: id });
    new Webhook(secret).verify(received?.body ?? '', received?.headers as Record<string, string>);
    receiver.answer = (_received, response) => void response.writeHead(500).end();
    expect(await ask('POST', `/webhooks/${id}/test`)).toMatchObject({ delivered: false, responseStatus: 500 });
    expect(await deliveries(id)).toEqual([]);
  });

  it('is sent once under one idempotency key', async () => {
    const { id } = await create();
    const request = {
      method: 'POST',
      url: `/api/v1/webhooks/${id}/test`,
      headers: { 'idempotency-key': 'test-1' },
    } as const;
    const first = await app.app.inject(request);
    const repeat = await app.app.inject(request);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.body).toBe(first.body);
    expect(receiver.received).toHaveLength(1);
  });

  it('tells of an endpoint that is not there', async () => {
    const { id } = await create();
    await receiver.close();
    expect(await ask('POST', `/webhooks/${id}/test`)).toMatchObject({
      delivered: false,
      responseStatus: null,
      error: 'no connection could be made (ECONNREFUSED)',
    });
    receiver = await Receiver.start();
  });
});
