import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, startTestApp, type TestApp } from '../../../test/app.ts';
import { serveHoldfast, until, type ServingProcess } from '../../../test/holdfast.process.ts';
import { databaseUrl, postJson } from '../../../test/http.load.ts';
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

function instance(): ReturnType<typeof startInstance> {
  const one = startInstance(app, feed);
  instances.push(one);
  return one;
}

async function create(url = receiver.url): Promise<string> {
  const payload = { url, events: ['*'] };
  const answer = await app.app.inject({ method: 'POST', url: '/api/v1/webhooks', payload });
  const { id } = answer.json<{ id: string }>();
  await app.database.kysely.updateTable('webhook_progress').set({ position: 0 }).where('webhook_id', '=', id).execute();
  return id;
}

async function progressOf(id: string) {
  return app.database.kysely
    .selectFrom('webhook_progress')
    .selectAll()
    .where('webhook_id', '=', id)
    .executeTakeFirstOrThrow();
}

/** As if ten seconds had passed without a sign of its holder. */
async function expireLeases(): Promise<void> {
  await app.database.kysely.updateTable('webhook_progress').set({ lease_until: '2020-01-01T00:00:00Z' }).execute();
}

/** Endpoint's answers that the test gives when it likes. */
function holdingAnswers(): (() => void)[] {
  const held: (() => void)[] = [];
  receiver.answer = (_received, response) => void held.push(() => response.end());
  return held;
}

describe('many instances', () => {
  it('share the endpoints out, and each event is sent once', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => create()));
    const [one, two] = [instance(), instance()];
    for (let index = 0; index < 20; index += 1) feed.push(`SKU-${index % 3}`);
    for (let round = 0; round < 6; round += 1) await Promise.all([one.run(), two.run()]);
    const held = [(await one.run()).held, (await two.run()).held];
    expect(held[0]! + held[1]!).toBe(12);
    expect(Math.min(...held)).toBeGreaterThan(0);
    expect(receiver.received).toHaveLength(12 * 20);
    for (const id of ids) expect((await progressOf(id)).position).toBe(20);
  });

  it('take over from one that left, at once', async () => {
    await create();
    const one = instance();
    feed.push('SKU-1');
    await one.run();
    await one.stop();
    feed.push('SKU-1');
    await instance().run();
    expect(receiver.positions).toEqual([1, 2]);
  });

  it('take over from one that died, where it had noted that it was', async () => {
    const id = await create();
    const dead = instance();
    feed.push('SKU-1');
    await dead.run();
    const held = holdingAnswers();
    feed.push('SKU-1');
    void dead.run();
    await expect.poll(() => held.length).toBe(1);

    const heir = instance();
    expect(await heir.run()).toEqual({ held: 0 });
    await expireLeases();
    receiver.answer = (_received, response) => void response.end();
    await heir.run();
    // Whether the dead one's last request was taken, nobody knows: it is sent again, under the same id.
    expect(receiver.positions).toEqual([1, 2, 2]);
    expect(await progressOf(id)).toMatchObject({ position: 2, fence: 2 });
  });

  it('take over from one that died before the database’s clock was set back', async () => {
    await create();
    const dead = instance();
    feed.push('SKU-1');
    await dead.run();
    await sql`UPDATE webhook_progress SET lease_until = clock_timestamp() + interval '1 hour'`.execute(
      app.database.kysely,
    );
    feed.push('SKU-1');
    expect(await instance().run()).toEqual({ held: 1 });
    expect(receiver.positions).toEqual([1, 2]);
  });

  it('never let one that was paused write over the next', async () => {
    const id = await create();
    const paused = instance();
    const held = holdingAnswers();
    feed.push('SKU-1');
    const run = paused.run();
    await expect.poll(() => held.length).toBe(1);

    await expireLeases();
    receiver.answer = (_received, response) => void response.writeHead(500).end();
    const next = instance();
    await next.run();
    const before = { progress: await progressOf(id), log: await logOf(id) };
    expect(before.log).toMatchObject([{ status: 'pending', attempts: 1 }]);

    // It wakes up, and its request is answered with success.
    held[0]?.();
    await run;
    expect(await progressOf(id)).toMatchObject({ ...before.progress, lease_until: expect.any(Number) });
    expect(await logOf(id)).toEqual(before.log);
    expect(await paused.run()).toEqual({ held: 0 });
    expect(paused.errors).toEqual([]);
  });

  it('stop sending before their lease has ended', async () => {
    await create();
    const one = instance();
    await one.run();
    // Its clock went on, and its lease could not be renewed: the database is away.
    one.clock.shiftMs += 9_000;
    feed.push('SKU-1');
    await one.send();
    expect(receiver.positions).toEqual([]);
    await one.run();
    expect(receiver.positions).toEqual([1]);
  });

  it('follow what is changed by any of them within a second', async () => {
    const id = await create();
    const other = await Receiver.start();
    const one = instance();
    one.worker.start();
    feed.push('SKU-1');
    await expect.poll(() => receiver.positions).toEqual([1]);
    const patch = (payload: object) => app.app.inject({ method: 'PATCH', url: `/api/v1/webhooks/${id}`, payload });
    await patch({ url: other.url });
    const nextGoesThere = (): number => {
      feed.push('SKU-1');
      return other.positions.length;
    };
    await expect.poll(nextGoesThere, { timeout: 5_000 }).toBeGreaterThan(0);
    await patch({ enabled: false });
    await expect.poll(heldLeases, { timeout: 5_000 }).toEqual([]);
    const taken = [receiver.positions.length, other.positions.length];
    feed.push('SKU-1');
    expect(await one.run()).toEqual({ held: 0 });
    expect([receiver.positions.length, other.positions.length]).toEqual(taken);
    await other.close();
  });
});

async function logOf(id: string) {
  return app.database.kysely.selectFrom('webhook_delivery').selectAll().where('webhook_id', '=', id).execute();
}

describe('endpoints that hang, trickle and answer 1 GB', () => {
  it('do not delay the others', async () => {
    const [hanging, trickling, flooding] = [await Receiver.start(), await Receiver.start(), await Receiver.start()];
    hanging.answer = () => undefined;
    trickling.answer = (_received, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    };
    const chunk = Buffer.alloc(65_536, 'x');
    flooding.answer = (_received, response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 });
      const more = (): void => {
        if (!response.destroyed && response.write(chunk)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    };
    for (const { url } of [hanging, trickling, flooding, receiver]) await create(url);
    const one = instance();
    const sentMs = new Map<number, number>();
    const delays: number[] = [];
    receiver.answer = ({ event }, response) => {
      delays.push(performance.now() - (sentMs.get(event.position) ?? 0));
      response.end();
    };
    one.worker.start();
    await expect.poll(async () => (await heldLeases()).length, { timeout: 10_000 }).toBe(4);
    for (let index = 0; index < 200; index += 1) {
      sentMs.set(feed.push(`SKU-${index % 20}`).position, performance.now());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect.poll(() => delays.length, { timeout: 10_000 }).toBe(200);
    expect(delays.toSorted((left, right) => left - right)[197]).toBeLessThan(5_000);
    expect(hanging.received.length).toBeLessThan(5);
    await expect.poll(() => flooding.received.length, { timeout: 10_000 }).toBe(200);
    await one.stop();
    instances = [];
    for (const other of [hanging, trickling, flooding]) await other.close();
  });
});

async function heldLeases() {
  return app.database.kysely
    .selectFrom('webhook_progress')
    .select('webhook_id')
    .where('lease_holder', 'is not', null)
    .execute();
}

describe('kill -9', () => {
  let server: ServingProcess;

  it('loses no event and reverses none', async () => {
    const made = await createDatabase();
    const env = { DATABASE_URL: databaseUrl(made.connection), HOLDFAST_EGRESS_ALLOW: '127.0.0.0/8' };
    server = await serveHoldfast(['--port', '0'], env);
    /** Repeated under its key while the server is loaded, or does not answer: it takes effect once. */
    const post = async (path: string, body: object): Promise<void> => {
      const headers = { 'idempotency-key': JSON.stringify([path, body]).replaceAll(/\s/g, '') };
      const isDone = async (): Promise<boolean> =>
        (await postJson(`${server.address}/api/v1${path}`, body, headers)).status < 300;
      await until(`${path} is accepted`, isDone);
    };
    await post('/locations', { code: 'WH', name: 'WH', type: 'warehouse' });
    for (const sku of ['A', 'B', 'C']) await post('/products', { sku, name: sku });
    await post('/webhooks', { url: receiver.url, events: ['stock.changed'] });
    const adjust = (index: number) =>
      post(`/inventory/${'ABC'.charAt(index % 3)}/adjust`, { location: 'WH', type: 'add', quantity: index + 1 });
    for (let index = 0; index < 60; index += 1) await adjust(index);
    server.signal('SIGKILL', 'group');
    await server.ended;
    server = await serveHoldfast(['--port', '0'], env);
    for (let index = 60; index < 90; index += 1) await adjust(index);

    const seen = (): string[] => [...new Set(receiver.received.map(({ body }) => quantityOf(body)))];
    await expect.poll(() => seen().length, { timeout: 40_000 }).toBe(90);
    for (const sku of ['A', 'B', 'C']) {
      const own = seen()
        .filter((text) => text.startsWith(sku))
        .map((text) => Number(text.slice(1)));
      expect(own).toEqual(own.toSorted((left, right) => left - right));
    }
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await made.drop();
  }, 120_000);
});

function quantityOf(body: string): string {
  const { subject, data } = JSON.parse(body) as { subject: string; data: { deltaOnHand: number } };
  return `${subject}${data.deltaOnHand}`;
}
