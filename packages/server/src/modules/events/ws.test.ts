import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSocket, startLiveApp, type LiveApp, type Socket, type SocketOptions } from './live.fixture.ts';

let one: LiveApp;
const sockets: Socket[] = [];

beforeAll(async () => {
  one = await startLiveApp({ env: { CORS_ORIGIN: 'https://shop.example' } });
  await one.call('POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
  await one.makeProduct('A');
  await one.makeProduct('B');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(() => one.close());

async function open(options: SocketOptions = {}): Promise<Socket> {
  const socket = await openSocket(one.url, options);
  sockets.push(socket);
  return socket;
}

/** Subscribes, and waits until that counts. */
async function subscribed(message: object): Promise<Socket> {
  const socket = await open();
  socket.send({ type: 'subscribe', ...message });
  await expect.poll(() => socket.messages.length).toBeGreaterThan(0);
  return socket;
}

describe('GET /ws', () => {
  it('tells what happens from now on to who subscribes, each event once', async () => {
    const socket = await subscribed({ topics: ['product:A'] });
    expect(socket.messages).toEqual([{ type: 'subscribed', topics: ['product:A'], position: expect.any(Number) }]);
    await one.add('B');
    await one.add('A');
    await expect.poll(() => socket.events().length).toBe(1);
    const [, message] = socket.messages;
    expect(Object.keys(message ?? {})).toEqual(['type', 'position', 'event']);
    expect(message?.event).toMatchObject({ type: 'stock.changed', subject: 'A', position: message?.position });
    expect(message?.event?.data).toEqual((await one.ledgerOf('A')).at(-1));
  });

  it('goes on behind a position', async () => {
    const socket = await subscribed({ topics: ['product:A'], after: 0 });
    await expect
      .poll(() =>
        socket
          .events()
          .map(({ data }) => data)
          .slice(1),
      )
      .toEqual(await one.ledgerOf('A'));
  });

  it('has several subscriptions, and tells what several want once, also when one goes further back', async () => {
    const socket = await subscribed({ topics: ['product:A'] });
    socket.send({ type: 'subscribe', topics: ['location:WH'], types: ['stock.changed'] });
    await expect.poll(() => socket.messages.length).toBe(2);
    await one.add('A');
    await one.add('B');
    await expect.poll(() => socket.events().map(({ subject }) => subject)).toEqual(['A', 'B']);
    socket.send({ type: 'subscribe', topics: ['product:A', 'product:B'], types: ['stock.changed'], after: 0 });
    const all = [...(await one.ledgerOf('A')), ...(await one.ledgerOf('B'))].length;
    await expect.poll(() => socket.events().length).toBe(all);
    await one.add('B');
    await expect.poll(() => socket.events().length).toBe(all + 1);
    expect(new Set(socket.events().map(({ id }) => id)).size).toBe(all + 1);
  });

  it('tells no more of what was unsubscribed', async () => {
    const socket = await subscribed({ topics: ['product:A', 'product:B'] });
    socket.send({ type: 'unsubscribe', topics: ['product:A'] });
    await expect.poll(() => socket.messages.at(-1)).toMatchObject({ type: 'unsubscribed', topics: ['product:A'] });
    await one.add('A');
    await one.add('B');
    await expect.poll(() => socket.events().map(({ subject }) => subject)).toEqual(['B']);
    socket.send({ type: 'unsubscribe' });
    await expect.poll(() => socket.messages.at(-1)?.type).toBe('unsubscribed');
    await one.add('B');
    socket.send({ type: 'ping' });
    await expect.poll(() => socket.messages.at(-1)).toEqual({ type: 'pong' });
    expect(socket.events()).toHaveLength(1);
  });

  it('answers what it does not understand with an error, and goes on', async () => {
    const socket = await open();
    socket.ws.send('{');
    socket.ws.send('[]');
    socket.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
    socket.send({ type: 'shout' });
    socket.send({ type: 'ping', loud: true });
    socket.send({ type: 'subscribe', topics: ['everything'], after: -1 });
    socket.send({ type: 'subscribe', topics: Array.from({ length: 201 }, () => 'alerts') });
    socket.send({ type: 'ping' });
    await expect.poll(() => socket.messages.at(-1)).toEqual({ type: 'pong' });
    expect(socket.messages.slice(0, -1).map(({ type, code }) => `${type} ${code}`)).toEqual([
      'error malformed_json',
      ...Array.from({ length: 6 }, () => 'error validation_failed'),
    ]);
    expect(socket.messages[5]?.['detail']).toContain('/topics/0 must be alerts, reservations');
  });

  it('cuts who sends a frame that is too long, and who says too much', async () => {
    const long = await open();
    long.ws.send(`{"type":"ping"${' '.repeat(40_000)}}`);
    expect((await long.closed).code).toBe(1009);
    const many = await open();
    for (let count = 0; count < 60; count += 1) many.send({ type: 'ping' });
    expect(await many.closed).toEqual({ code: 1008, reason: 'too_many_messages' });
    expect(many.messages.at(-1)).toMatchObject({ type: 'error', code: 'too_many_messages' });
  });

  it('cuts who sends frames that are none', async () => {
    const unmasked = connect(Number(new URL(one.url).port), '127.0.0.1');
    let answer = '';
    unmasked.on('data', (data) => (answer += data.toString('latin1')));
    unmasked.write(
      'GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await expect.poll(() => answer).toContain('101 Switching Protocols');
    unmasked.write(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    await new Promise((resolve) => unmasked.on('close', resolve));
    // 0x88: a close frame, 1002: a breach of the protocol.
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toContain('\x88\x02\x03\xea');
  });

  it.each([
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['an origin that is hidden', { origin: 'null' }, 403],
    ['another site', { headers: { 'sec-fetch-site': 'cross-site' } }, 403],
  ])('refuses %s', async (_name, options, status) => {
    await expect(open(options)).rejects.toThrow(`Unexpected server response: ${status}`);
  });

  it('lets its own pages in, and those of CORS_ORIGIN', async () => {
    const own = await open({ origin: one.url });
    own.send({ type: 'ping' });
    await expect.poll(() => own.messages).toEqual([{ type: 'pong' }]);
    // In the open mode a foreign origin is nobody: that is another refusal, and another test has keys.
    await expect(open({ origin: 'https://shop.example' })).rejects.toThrow('403');
  });

  it('is no page: a request that asks for no upgrade learns what to do', async () => {
    const answer = await fetch(`${one.url}/api/v1/ws`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await answer.json()).toMatchObject({ code: 'upgrade_required' });
  });
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const hasShouldUpgrade = major > 24 || (major === 24 && minor >= 9);

describe('an Upgrade that is offered and not wanted', () => {
  /** As Java's HttpClient and curl --http2 send every request. */
  async function offerH2c(request: string, body = ''): Promise<string> {
    const client = connect(Number(new URL(one.url).port), '127.0.0.1');
    let answer = '';
    client.on('data', (data) => (answer += data.toString()));
    const closed = new Promise((resolve) => client.on('close', resolve));
    const offer = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
    client.write(`${request}\r\nHost: 127.0.0.1\r\n${offer}`);
    client.write(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
    if (body.length > 10) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.write(body.slice(10));
    }
    await closed;
    return answer;
  }

  // Node before 24.9 cannot pass an offer over.
  it.runIf(hasShouldUpgrade)('leaves nothing on a connection that is kept', async () => {
    const warned: string[] = [];
    const note = ({ name }: Error) => warned.push(name);
    process.on('warning', note);
    const client = connect(Number(new URL(one.url).port), '127.0.0.1');
    const offer = 'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    for (let count = 0; count < 12; count += 1) {
      client.write(`GET /health/live HTTP/1.1\r\n${offer}\r\n`);
      const [answer] = (await once(client, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    }
    client.destroy();
    process.off('warning', note);
    expect(warned).not.toContain('MaxListenersExceededWarning');
  });

  it('changes nothing, with a body or without', async () => {
    expect(await offerH2c('GET /health HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const description = 'long '.repeat(900);
    const product = JSON.stringify({ sku: 'H2C', name: 'sent by Java', description });
    expect(await offerH2c('POST /api/v1/products HTTP/1.1', product)).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(await one.call('GET', '/products/H2C')).toMatchObject({ name: 'sent by Java', description });
  });

  it('is a plain request where it asks for a WebSocket elsewhere', async () => {
    const client = connect(Number(new URL(one.url).port), '127.0.0.1');
    let answer = '';
    client.on('data', (data) => (answer += data.toString()));
    client.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    client.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => client.on('close', resolve));
    expect(answer.match(/200 OK/g)).toHaveLength(2);
  });
});
