import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type LoadOrder, runLoad } from './load.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function orderFor(statusOf: (nth: number) => number | undefined): Promise<LoadOrder> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const status = statusOf(requests);
    request.resume();
    if (status === undefined) request.socket.destroy();
    else response.writeHead(status, { 'content-length': 2 }).end('{}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    kind: 'reserve',
    path: '/noop',
    expectedStatus: 201,
    spread: 'spread',
    stock: { products: 10, locations: 2 },
    apiKey: undefined,
    isIdempotent: false,
    runNumber: 1,
    port: (server.address() as AddressInfo).port,
    connections: 4,
    warmUpMs: 50,
    measureMs: 150,
  };
}

test('counts every answer once, and measures only those of the measured time', async () => {
  let answered = 0;
  const order = await orderFor(() => {
    answered += 1;
    return 201;
  });
  const result = await runLoad(order);
  expect(result.statuses).toEqual({ 201: answered });
  expect(result.operationsInAll).toBe(answered);
  expect(result.operationsPerSecond * 0.15).toBeLessThan(answered);
  expect(result.latency.p50Ms).toBeGreaterThan(0);
  expect(result.latency.maxMs).toBeGreaterThanOrEqual(result.latency.p99Ms);
});

test('an unexpected status ends the run with what the server said', async () => {
  const order = await orderFor((nth) => (nth === 20 ? 503 : 201));
  await expect(runLoad(order)).rejects.toThrow('503 instead of 201: {}');
});

test('a lost connection ends the run', async () => {
  const order = await orderFor((nth) => (nth === 20 ? undefined : 201));
  await expect(runLoad(order)).rejects.toThrow(/closed a connection|ECONNRESET/);
});
