import { readFile } from 'node:fs/promises';
import schema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' };
import { Ajv } from 'ajv';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLiveApp, type CloudEvent, type LiveApp } from './live.fixture.ts';
import { EVENT_TYPES } from './index.ts';

interface AsyncApi {
  asyncapi: string;
  channels: Record<string, { address: string | null; messages: Record<string, { $ref: string }> }>;
  operations: Record<string, unknown>;
  components: { schemas: Record<string, object>; messages: Record<string, { payload: { $ref: string } }> };
}

let app: LiveApp;
let text: string;
let document: AsyncApi;

beforeAll(async () => {
  app = await startLiveApp();
  text = (await app.app.inject('/asyncapi.json')).body;
  document = JSON.parse(text) as AsyncApi;
});
afterAll(() => app.close());

describe('the AsyncAPI document', () => {
  it('is valid by the schema that the AsyncAPI initiative publishes', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, meta: false, validateSchema: false });
    const fits = ajv.compile(schema);
    expect([fits(document), fits.errors]).toEqual([true, null]);
    // It sees what is wrong.
    expect(fits({ ...document, channels: { stream: { address: 7 } } })).toBe(false);
  });

  it('is the file of the package: otherwise run `holdfast asyncapi --write`', async () => {
    const file = await readFile(new URL('../../../asyncapi.json', import.meta.url), 'utf8');
    expect(file).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  it('has every type of event on every channel, and every reference leads somewhere', () => {
    const { stream, webhook, socket } = document.channels;
    expect(Object.keys(stream?.messages ?? {})).toEqual([...EVENT_TYPES, 'streamEnd']);
    expect(Object.keys(webhook?.messages ?? {})).toEqual([...EVENT_TYPES]);
    expect(Object.keys(socket?.messages ?? {})).toEqual(
      expect.arrayContaining(['subscribe', 'unsubscribe', 'ping', 'subscribed', 'event', 'error', 'pong']),
    );
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(references.length).toBeGreaterThan(100);
    const at = (path: string): unknown =>
      path.split('/').reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], document);
    expect(references.filter((path) => at(path) === undefined)).toEqual([]);
  });
});

describe('every event', () => {
  const validators = new Map<string, ValidateFunction>();

  function faultsOf(event: CloudEvent): unknown {
    let fits = validators.get(event.type);
    if (fits === undefined) {
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      const $ref = document.components.messages[event.type]?.payload.$ref ?? '';
      fits = ajv.compile({ $ref: `events${$ref}`, $defs: {}, definitions: { events: { $id: 'events', ...document } } });
      validators.set(event.type, fits);
    }
    return fits(event) ? null : { event, errors: fits.errors };
  }

  it('is as the document says', async () => {
    await everyCommand();
    const events: CloudEvent[] = [];
    for (let after = 0; ;) {
      const page = await app.call('GET', `/events?after=${after}&limit=200`);
      events.push(...(page['items'] as CloudEvent[]));
      after = page['position'] as number;
      if (page['nextCursor'] === null) break;
    }
    expect(events.map(faultsOf).filter((fault) => fault !== null)).toEqual([]);
    // That somebody was limited is told by its module's own tests: it takes a minute to be told.
    // So are the runs of jobs by theirs: they take a worker.
    const types = EVENT_TYPES.filter((type) => type !== 'rate_limit.limited' && !type.startsWith('run.'));
    expect([...new Set(events.map(({ type }) => type))].sort()).toEqual([...types].sort());
    // It sees what is wrong.
    expect(faultsOf({ ...(events[0] as CloudEvent), data: {} })).not.toBeNull();
  });

  /** At least one event of every type. */
  async function everyCommand(): Promise<void> {
    const post = (path: string, body: object = {}) => app.call('POST', path, body);
    const reserve = async (): Promise<string> =>
      String((await post('/inventory/A/reserve', { location: 'WH', quantity: 2, orderId: 'O-1' }))['id']);
    await post('/locations', { code: 'WH', name: 'Hall', type: 'warehouse', lat: 52.5, lng: 13.4 });
    await post('/locations', { code: 'SHOP', name: 'Shop', type: 'store' });
    await app.call('PATCH', '/locations/SHOP', { priority: 5 });
    await post('/products', { sku: 'A', name: 'Mug', unitCost: 2.5, attributes: { size: 'L' }, reorderPoint: 5 });
    await app.call('PATCH', '/products/A', { name: 'Blue mug' });
    await app.call('PATCH', '/inventory/A/locations/WH', {
      reorderPoint: 50,
      bin: { zone: 'Z', aisle: '1', shelf: '2' },
    });
    const adjust = { location: 'WH', type: 'add', quantity: 100, movement: 'receipt', unitCost: 2.25, lot: 'L-1' };
    await post('/inventory/A/adjust', { ...adjust, reference: { type: 'purchase_order', id: 'PO-1' }, notes: 'whole' });
    await post('/transfers', { from: 'WH', to: 'SHOP', lines: [{ sku: 'A', quantity: 3 }] });
    const [shipped, cancelled, changed] = [await reserve(), await reserve(), await reserve()];
    await post(`/reservations/${shipped}/extend`, { ttlSeconds: 600 });
    await post(`/reservations/${shipped}/confirm`);
    await post(`/reservations/${shipped}/ship`);
    await post(`/reservations/${cancelled}/cancel`, { reason: 'test' });
    await app.call('PUT', `/reservations/${changed}/lines`, { lines: [{ sku: 'A', quantity: 1, location: 'WH' }] });
    await post(`/reservations/${changed}/extend`, { ttlSeconds: 1 });
    await expect
      .poll(async () => (await app.call('GET', `/events?types=reservation.expired`))['items'], { timeout: 10_000 })
      .toHaveLength(1);
    const take = { location: 'WH', type: 'subtract', quantity: 80 };
    await post('/inventory/A/adjust', take);
    const { items } = await app.call('GET', '/alerts?status=active');
    await post('/alerts/acknowledge', { ids: (items as { id: string }[]).map(({ id }) => id) });
    await post('/inventory/A/adjust', { ...take, type: 'add' });
    await post('/products', { sku: 'B', name: 'To be archived' });
    await app.call('DELETE', '/products/B');
    await post('/locations', { code: 'OLD', name: 'To be archived', type: 'store' });
    await app.call('DELETE', '/locations/OLD');
  }
});
