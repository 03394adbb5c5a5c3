import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { serverResponse, setHeaderLines } from './header.lines.ts';

const LINES = 'RateLimit: "a";r=2;t=1\r\nX-RateLimit-Remaining: 2\r\n';

let close: () => Promise<unknown> = () => Promise.resolve();
afterEach(() => close());

/** Answers with two headers that are set one by one, and lines. */
async function served() {
  const app = fastify({ http: { ServerResponse: serverResponse } });
  close = () => app.close();
  app.get('/:lines', (request, reply) => {
    const { lines } = request.params as { lines: string };
    reply.header('x-own', 'own');
    if (lines === 'twice') setHeaderLines(reply, 'RateLimit: "a";r=3;t=1\r\nGone: 1\r\n');
    setHeaderLines(reply, LINES);
    reply.header('cache-control', 'no-store');
    if (lines === 'raw') return void reply.hijack().raw.writeHead(200, { 'x-raw': 'raw' }).end('body');
    if (lines === 'stream') return reply.send(new Blob(['body']).stream());
    return reply.code(lines === 'none' ? 204 : 200).send(lines === 'none' ? undefined : 'body');
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

const limits = { ratelimit: '"a";r=2;t=1', 'x-ratelimit-remaining': '2' };

describe('header lines', () => {
  it.each([
    ['once', 200, 'body', { 'x-own': 'own', 'cache-control': 'no-store' }],
    ['twice', 200, 'body', { 'x-own': 'own', 'cache-control': 'no-store' }],
    ['stream', 200, 'body', { 'x-own': 'own', 'cache-control': 'no-store' }],
    ['none', 204, '', { 'x-own': 'own', 'cache-control': 'no-store' }],
    ['raw', 200, 'body', { 'x-raw': 'raw' }],
  ])('%s: are sent beside what is set one by one', async (path, status, body, others) => {
    const app = await served();
    const { port } = app.server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
    expect([answer.status, await answer.text()]).toEqual([status, body]);
    const headers = Object.fromEntries(answer.headers);
    expect(headers).toMatchObject({ ...limits, ...others });
    expect(headers).not.toHaveProperty('gone');
  });

  it('are set one by one where the answer is not one of ours', async () => {
    const app = await served();
    expect((await app.inject('/once')).headers).toMatchObject({ ...limits, 'x-own': 'own' });
  });

  it('are of one answer: the next on the connection has none', async () => {
    let answers = 0;
    const server: Server = createServer({ ServerResponse: serverResponse }, (_request, response) => {
      answers += 1;
      if (answers === 1) setHeaderLines({ raw: response, header: () => expect.fail() }, LINES);
      response.end();
    }).listen(0, '127.0.0.1');
    close = () => new Promise((resolve) => server.close(resolve));
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = async () => Object.fromEntries((await fetch(`http://127.0.0.1:${port}/`)).headers);
    expect(await ask()).toMatchObject(limits);
    expect(await ask()).not.toHaveProperty('ratelimit');
    server.closeAllConnections();
  });
});
