import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createDatabase } from '../packages/server/test/app.ts';
import {
  freePort,
  runHoldfast,
  serveHoldfast,
  until,
  type ServingProcess,
} from '../packages/server/test/holdfast.process.ts';
import { databaseUrl } from '../packages/server/test/http.load.ts';
import { given, programPath } from './files.fixture.ts';
import { startProxy, type Proxy, type ProxyName } from './proxy.fixture.ts';
import { follow } from './stream.fixture.ts';

const KEY = 'a-key-for-the-proxy-tests';
const HEADERS = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const CALLERS = 8;
/** The machine may have other work to do. */
const PATIENCE_MS = 40_000;

describe.each<ProxyName>(['haproxy', 'nginx'])('behind %s', (name) => {
  describe.skipIf(programPath(name) === null)(`two instances${given(name)}`, () => {
    let database: Awaited<ReturnType<typeof createDatabase>>;
    let ports: [number, number];
    let servers: [ServingProcess, ServingProcess];
    let proxy: Proxy;

    const serve = (port: number): Promise<ServingProcess> =>
      serveHoldfast(['--port', String(port)], {
        DATABASE_URL: databaseUrl(database.connection),
        HOLDFAST_ADMIN_KEY: KEY,
        TRUST_PROXY: 'loopback',
      });
    const post = (path: string, body: object, key?: string): Promise<Response> =>
      fetch(`${proxy.url}/api/v1${path}`, {
        method: 'POST',
        headers: key === undefined ? HEADERS : { ...HEADERS, 'idempotency-key': key },
        body: JSON.stringify(body),
      });
    const reserved = async (): Promise<number> => {
      const answer = await fetch(`${proxy.url}/api/v1/inventory/SHIRT/locations/WH1`, { headers: HEADERS });
      return ((await answer.json()) as { reserved: number }).reserved;
    };

    beforeAll(async () => {
      database = await createDatabase();
      ports = [await freePort(), await freePort()];
      servers = await Promise.all([serve(ports[0]), serve(ports[1])]);
      proxy = await startProxy(name, ports);
      await post('/products', { sku: 'SHIRT', name: 'Shirt' });
      await post('/locations', { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
      await post('/inventory/SHIRT/adjust', { location: 'WH1', type: 'add', quantity: 1_000_000 });
    });
    afterAll(async () => {
      await Promise.allSettled([proxy?.stop(), ...(servers ?? []).map((server) => server.stop())]);
      await database.drop();
    });

    test('both get requests, and their metrics are not for everybody', async () => {
      for (let call = 0; call < 20; call += 1) expect(await reserved()).toBe(0);
      for (const { address } of servers) {
        const metrics = await (await fetch(`${address}/metrics`, { headers: HEADERS })).text();
        expect(metrics).toMatch(/^http_request_duration_seconds_count\{.*locations.*status="2xx"\} [1-9]/m);
      }
      expect((await fetch(`${proxy.url}/metrics`, { headers: HEADERS })).status).toBe(404);
    });

    test('one after the other is replaced under load: no request is lost, and a reader misses nothing', async () => {
      const before = await reserved();
      const reader = follow(proxy.url, HEADERS);
      await reader.isOpen;
      const statuses: number[] = [];
      let isOver = false;
      const callers = Array.from({ length: CALLERS }, async () => {
        while (!isOver) statuses.push((await post('/inventory/SHIRT/reserve', { quantity: 1 })).status);
      });
      for (const index of [0, 1] as const) {
        const soFar = statuses.length;
        await until('the callers are at work', () => statuses.length > soFar + 50, PATIENCE_MS);
        expect(await servers[index].stop()).toEqual({ code: 0, signal: null });
        servers[index] = await serve(ports[index]);
        await until('the proxy knows the new one', () => hasServed(servers[index]), PATIENCE_MS);
      }
      isOver = true;
      await Promise.all(callers);
      // nginx asks nobody for health: one that starts is sent requests as soon as it listens, and says that it is not ready.
      const refused = name === 'nginx' ? [503] : [];
      expect([...new Set(statuses)].filter((status) => status !== 201 && !refused.includes(status))).toEqual([]);
      const done = statuses.filter((status) => status === 201).length;
      expect(await reserved()).toBe(before + done);
      await until('the reader has all of it', () => reader.reserves() >= done, PATIENCE_MS);
      expect(reader.reserves()).toBe(done);
      expect(reader.positions).toEqual([...new Set(reader.positions)].sort((one, other) => one - other));
      reader.close();
    });

    test('a WebSocket hears of what is done through the other one', async () => {
      const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}/api/v1/ws`, { headers: HEADERS });
      await once(socket, 'open');
      const messages: { type: string; event?: { type: string } }[] = [];
      socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as (typeof messages)[number]));
      socket.send(JSON.stringify({ type: 'subscribe', topics: ['product:SHIRT'] }));
      await until('it is subscribed', () => messages.some(({ type }) => type === 'subscribed'));
      for (const { address } of servers) {
        const before = messages.length;
        await fetch(`${address}/api/v1/inventory/SHIRT/adjust`, {
          method: 'POST',
          headers: HEADERS,
          body: JSON.stringify({ location: 'WH1', type: 'add', quantity: 1 }),
        });
        await until('it is told', () => messages.slice(before).some(({ event }) => event?.type === 'stock.changed'));
      }
      socket.close();
      await once(socket, 'close');
    });

    test('one is killed in mid-work: who repeats with the same key has it done once', async () => {
      const before = await reserved();
      let isOver = false;
      let done = 0;
      const reserveOnce = async (key: string): Promise<void> => {
        await until(
          'it is reserved',
          async () => {
            const answer = await post('/inventory/SHIRT/reserve', { quantity: 1 }, key).catch(() => null);
            return answer?.status === 201;
          },
          PATIENCE_MS,
        );
        done += 1;
      };
      const callers = Array.from({ length: CALLERS }, async (_, caller) => {
        for (let round = 0; !isOver; round += 1) await reserveOnce(`kill-${caller}-${round}`);
      });
      await until('the callers are at work', () => done > 50, PATIENCE_MS);
      servers[0].signal('SIGKILL');
      await servers[0].ended;
      const soFar = done;
      await until('the other one serves', () => done > soFar + 100, PATIENCE_MS);
      isOver = true;
      await Promise.all(callers);
      expect(await reserved()).toBe(before + done);
      servers[0] = await serve(ports[0]);
      const verified = await runHoldfast(['verify'], { DATABASE_URL: databaseUrl(database.connection) });
      expect(verified).toMatchObject({ code: 0 });
    });
  });

  describe.skipIf(programPath(name) === null)(`what it passes on${given(name)}`, () => {
    let upstream: Upstream;
    let proxy: Proxy;

    beforeAll(async () => {
      upstream = await startUpstream();
      proxy = await startProxy(name, [upstream.port, upstream.port]);
    });
    afterAll(async () => {
      await Promise.allSettled([proxy?.stop(), upstream.stop()]);
    });

    test('each event of a stream at once, before the next one is there', async () => {
      const answer = await fetch(`${proxy.url}/api/v1/events/stream`);
      const reader = (answer.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
      for (const word of ['one', 'two', 'three']) {
        upstream.tell(word);
        expect((await reader.read()).value).toBe(`data: ${word}\n\n`);
      }
      await reader.cancel();
      await until('the server is told that the reader went', () => upstream.streams.size === 0);
    });

    test('WebSockets, in both directions', async () => {
      const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}/api/v1/ws`);
      await once(socket, 'open');
      socket.send('ping');
      const [answer] = (await once(socket, 'message')) as [Buffer];
      expect(answer.toString()).toBe('you said ping');
      socket.close();
      await once(socket, 'close');
    });

    test('who calls, by what it saw itself, whatever a caller says', async () => {
      const lies = {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'for=203.0.113.9',
      };
      const seen = (await (await fetch(`${proxy.url}/headers`, { headers: lies })).json()) as Record<string, string>;
      expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
      expect(Object.keys(seen)).not.toContain('forwarded');
      expect(Object.keys(seen)).not.toContain('x-forwarded-host');
      expect(seen['host']).toBe(new URL(proxy.url).host);
    });

    test('large bodies, as large as the bulk routes take', async () => {
      const body = Buffer.alloc(10 * 1024 * 1024, 'x');
      const answer = await fetch(`${proxy.url}/size`, { method: 'POST', body });
      expect(await answer.text()).toBe(String(body.length));
    });
  });
});

async function hasServed({ address }: ServingProcess): Promise<boolean> {
  const metrics = await (await fetch(`${address}/metrics`, { headers: HEADERS })).text();
  return /^http_request_duration_seconds_count\{.*reserve.*\} [1-9]/m.test(metrics);
}

/** A server whose every byte the test times itself. */
interface Upstream {
  port: number;
  streams: Set<ServerResponse>;
  /** Sends an event to every open stream. */
  tell(word: string): void;
  stop(): Promise<void>;
}

async function startUpstream(): Promise<Upstream> {
  const streams = new Set<ServerResponse>();
  const server: Server = createServer((request, response) => void respond(request, response, streams));
  const sockets = new WebSocketServer({ server, path: '/api/v1/ws' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(`you said ${data.toString()}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    streams,
    tell: (word) => {
      for (const stream of streams) stream.write(`data: ${word}\n\n`);
    },
    stop: async () => {
      sockets.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  streams: Set<ServerResponse>,
): Promise<void> {
  if (request.url === '/api/v1/events/stream') {
    streams.add(response);
    response.once('close', () => streams.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders();
    return;
  }
  if (request.url === '/size') {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    response.end(String(bytes));
    return;
  }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(request.headers));
}
