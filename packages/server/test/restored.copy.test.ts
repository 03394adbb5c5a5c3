import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postJson } from './http.load.ts';
import {
  makeDirectory,
  runHoldfast,
  serveHoldfast,
  until,
  workHoldfast,
  type ServingProcess,
} from './holdfast.process.ts';

const ALLOWED = { HOLDFAST_EGRESS_ALLOW: '127.0.0.1' };

let directory: Awaited<ReturnType<typeof makeDirectory>>;
let receiver: Server;
/** What others noticed: the paths that were asked for. */
const noticed: string[] = [];
let copy: ServingProcess | undefined;
const SAYS_SO = expect.objectContaining({
  level: 'warn',
  msg: expect.stringMatching(/^Paused: .+`holdfast resume`/),
}) as unknown;
const at = (name: string): string => join(directory.path, name);

beforeAll(async () => {
  directory = await makeDirectory();
  receiver = createServer((request, response) => {
    noticed.push(request.url ?? '');
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const original = await serveHoldfast(['--port', '0', '--data', at('original')], ALLOWED);
  await post(original, '/locations', { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
  await post(original, '/products', { sku: 'SHIRT', name: 'Shirt' });
  const target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  await post(original, '/webhooks', { url: `${target}/hook`, events: ['stock.changed'] });
  const config = { url: `${target}/job`, method: 'POST' };
  await post(original, '/jobs', { name: 'each-second', type: 'http_request', schedule: '* * * * * *', config });
  await receive(original);
  await until('the original is at work', () => countOf('/hook') === 1 && countOf('/job') > 0);
  await runHoldfast(['backup', at('backup.tar'), '--data', at('original')]);
  await original.stop();
}, 120_000);
afterAll(async () => {
  await copy?.stop();
  receiver.close();
  await directory.remove();
});

const countOf = (path: string): number => noticed.filter((one) => one === path).length;

async function post(server: ServingProcess, path: string, body: object): Promise<void> {
  const answer = await postJson(`${server.address}/api/v1${path}`, body);
  if (!answer.ok) throw new Error(await answer.text());
}

const receive = (server: ServingProcess): Promise<void> =>
  post(server, '/inventory/SHIRT/adjust', { location: 'WH1', type: 'add', quantity: 1, movement: 'receipt' });

/** Each duty has looked several times: they do so at least each second, and an instance says every five that it is there. */
async function untilAllDutiesHaveLooked(server: ServingProcess): Promise<void> {
  const seenAt = async (): Promise<string> => {
    const answer = await fetch(`${server.address}/api/v1/instances`);
    const { items } = (await answer.json()) as { items: { address: string; seenAt: string }[] };
    return items.find(({ address }) => address === server.address)?.seenAt ?? '';
  };
  const before = await seenAt();
  await until('it says again that it is there', async () => (await seenAt()) > before);
}

async function pausedOf(server: ServingProcess): Promise<unknown> {
  const answer = await fetch(`${server.address}/api/v1/settings`);
  return ((await answer.json()) as { paused: unknown }).paused;
}

test('a restored copy serves, and tells nobody and runs nothing', async () => {
  const restored = await runHoldfast(['restore', at('backup.tar'), '--data', at('copy')]);
  expect(restored.stdout).toMatch(/^Restored .+\nIt is paused: it sends nothing to webhooks and runs no jobs until/);
  const before = noticed.length;
  copy = await serveHoldfast(['--port', '0', '--data', at('copy')], ALLOWED);
  expect(copy.log()).toContainEqual(SAYS_SO);
  expect(await pausedOf(copy)).toMatchObject({ because: expect.stringMatching(/^restored from a backup of 20/) });
  expect(await (await fetch(`${copy.address}/metrics`)).text()).toContain('\nholdfast_paused 1\n');
  await receive(copy);
  await untilAllDutiesHaveLooked(copy);
  expect(noticed.slice(before)).toEqual([]);
});

test('until it is told to, and again when it is told to stop', async () => {
  if (copy === undefined) throw new Error('there is no copy');
  const jobs = countOf('/job');
  expect(await runHoldfast(['resume', '--data', at('copy')])).toMatchObject({ code: 0, stdout: 'Resumed.\n' });
  await until('the copy has taken its place', () => countOf('/hook') === 2 && countOf('/job') > jobs);
  expect(await pausedOf(copy)).toBe(null);

  const paused = await runHoldfast(['pause', '--because', 'receivers are flooded', '--data', at('copy')]);
  expect(paused.stdout).toMatch(/^Paused since .+: receivers are flooded\.\n$/);
  await untilAllDutiesHaveLooked(copy);
  const then = noticed.length;
  await receive(copy);
  await untilAllDutiesHaveLooked(copy);
  expect(noticed.slice(then)).toEqual([]);
});

test('a worker on data that nobody has served since they were restored does nothing either', async () => {
  expect(await runHoldfast(['restore', at('backup.tar'), '--data', at('work-only')])).toMatchObject({ code: 0 });
  const worker = await workHoldfast({ ...ALLOWED, HOLDFAST_DATA: at('work-only') });
  expect(worker.log()).toContainEqual(SAYS_SO);
  await worker.stop();
  expect(await runHoldfast(['resume', '--data', at('work-only')])).toMatchObject({ stdout: 'Resumed.\n' });
  // What was restored once is not paused anew by each start.
  expect(await runHoldfast(['resume', '--data', at('work-only')])).toMatchObject({ stdout: 'It was not paused.\n' });
});
