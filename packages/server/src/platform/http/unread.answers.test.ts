import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { echoServer, listen } from './http.fixture.ts';
import type { Routes } from './index.ts';

/** More than kernels hold for a reader who does not read. */
const BIG_BYTES = 64 << 20;

const bigRoutes: Routes = (app) => {
  app.route({
    method: 'GET',
    url: '/big',
    config: { scope: 'public' },
    schema: { operationId: 'getBig' },
    handler: (_request, reply) => reply.type('text/plain').send(Buffer.alloc(BIG_BYTES)),
  });
};

it('an answer that nobody reads any more is not kept for ever', { timeout: 20_000 }, async () => {
  const server = await echoServer({ config: { stalledTimeoutMs: 500 }, routes: bigRoutes });
  const port = await listen(server);
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.server.getConnections((_error, count) => resolve(count)));
  const stalled = connect(port, '127.0.0.1');
  stalled.on('error', () => undefined).once('data', () => stalled.pause());
  stalled.write('GET /api/v1/big HTTP/1.1\r\nHost: h\r\n\r\n');
  await expect.poll(connections).toBe(1);
  await expect.poll(connections, { timeout: 10_000 }).toBe(0);
  stalled.destroy();
  await server.close();
});
