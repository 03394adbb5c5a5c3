/** Holdfast over HTTP as the harness drives it: API.md's routes, and nothing of the server's insides. */
import { asList, asObject } from './compare.ts';
import type { Json } from './compare.ts';
import type { Answer, Command } from './command.ts';
import type { SystemUnderTest } from './system.ts';

export type HttpAnswer = { status: number; headers: Record<string, unknown>; body: unknown };

/** Sends one request. Called for all of a group in one tick, it must let them arrive in that order. */
export type Inject = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<HttpAnswer>;

export type AdapterOptions = {
  inject: Inject;
  /** Moves the clock of the system's database. */
  advanceClock: (ms: number) => Promise<void>;
  /** Where the system's background sweep is off: runs one. */
  sweep?: () => Promise<void>;
};

export function httpSystem({ inject, advanceClock, sweep }: AdapterOptions): SystemUnderTest {
  let shiftMs = 0;
  const read = async (path: string): Promise<Json> => {
    const answer = await inject('GET', path);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return asObject(answer.body);
  };
  const readAll = async (path: string): Promise<Json[]> => {
    const items: Json[] = [];
    let next = path;
    while (next !== '') {
      const page = await read(next);
      items.push(...asList(page['items']));
      const cursor = page['nextCursor'];
      next = typeof cursor === 'string' ? `${path}&cursor=${encodeURIComponent(cursor)}` : '';
    }
    return items;
  };
  return {
    exactClock: false,
    nowMs: () => Date.now() + shiftMs,
    advanceTime: async (ms) => {
      const whole = Math.ceil(ms);
      await advanceClock(whole);
      shiftMs += whole;
    },
    ...(sweep === undefined ? {} : { sweep }),
    prepare: async (products, locations) => prepare(inject, products, locations),
    submitBatch: async (commands) => Promise.all(commands.map(async (command) => submit(inject, command))),
    readLevels: async (sku) => {
      const { totals, levels } = await read(`/api/v1/inventory/${name(sku)}`);
      checkTotals(sku, asObject(totals), asList(levels));
      return asList(levels);
    },
    readReservation: async (id) => read(`/api/v1/reservations/${id}`),
    readLedger: async (sku, location) =>
      readAll(`/api/v1/inventory/${name(sku)}/ledger?location=${name(location)}&sort=seq&limit=200`),
    readAlerts: async (sku) => readAll(`/api/v1/alerts?sku=${name(sku)}&limit=200`),
  };
}

const name = encodeURIComponent;

async function submit(inject: Inject, command: Command): Promise<Answer> {
  const [method, path, body] = requestOf(command);
  const headers = command.idempotencyKey === undefined ? {} : { 'idempotency-key': command.idempotencyKey };
  const answer = await inject(method, `/api/v1${path}`, body, headers);
  const replayed = answer.headers['idempotency-replayed'] === 'true';
  return { status: answer.status, replayed, body: answer.body };
}

type Request = ['POST' | 'PUT' | 'PATCH' | 'DELETE', string, unknown?];

function requestOf(command: Command): Request {
  switch (command.op) {
    case 'reserve':
      return ['POST', '/reservations', command.body];
    case 'reserveOne':
      return ['POST', `/inventory/${name(command.sku)}/reserve`, command.body];
    case 'reserveBatch':
      return ['POST', '/reservations/batch', command.body];
    case 'confirm':
    case 'ship':
    case 'cancel':
    case 'extend':
      return ['POST', `/reservations/${command.id}/${command.op}`, command.body];
    case 'changeLines':
      return ['PUT', `/reservations/${command.id}/lines`, command.body];
    case 'release':
    case 'adjust':
      return ['POST', `/inventory/${name(command.sku)}/${command.op}`, command.body];
    case 'bulkAdjust':
      return ['POST', '/adjustments', command.body];
    case 'transfer':
      return ['POST', '/transfers', command.body];
    case 'levelSettings':
      return ['PATCH', `/inventory/${name(command.sku)}/locations/${name(command.location)}`, command.body];
    case 'updateProduct':
      return ['PATCH', `/products/${name(command.sku)}`, command.body];
    case 'archiveProduct':
      return ['DELETE', `/products/${name(command.sku)}`];
    case 'updateLocation':
      return ['PATCH', `/locations/${name(command.code)}`, command.body];
  }
}

async function prepare(
  inject: Inject,
  ...[products, locations]: Parameters<SystemUnderTest['prepare']>
): Promise<void> {
  const must = async (statuses: number[], ...request: Parameters<Inject>) => {
    const answer = await inject(...request);
    if (statuses.includes(answer.status)) return answer;
    throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  for (const { sku, settings } of products) {
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
    await must([201], 'POST', '/api/v1/products', { sku, name: sku, ...given });
  }
  // The locations are there from an earlier history, in the state that it left.
  for (const { code, priority, active, lat, lng } of locations) {
    const place = lat === null || lng === null ? {} : { lat, lng };
    const made = { code, name: code, type: 'warehouse', priority, active, ...place };
    const { status } = await must([201, 409], 'POST', '/api/v1/locations', made);
    if (status === 409) await must([200], 'PATCH', `/api/v1/locations/${name(code)}`, { priority, active, lat, lng });
  }
}

function checkTotals(sku: string, totals: Json, levels: Json[]): void {
  for (const key of ['onHand', 'reserved', 'committed', 'available', 'shortage']) {
    const sum = levels.reduce((all, level) => all + Number(level[key]), 0);
    if (totals[key] === sum) continue;
    throw new Error(`${sku}: the total of ${key} is ${String(totals[key])}, its levels sum to ${sum}`);
  }
}
