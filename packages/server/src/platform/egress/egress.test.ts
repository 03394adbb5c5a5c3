import { getEventListeners } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createRawServer, type AddressInfo, type Server as RawServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from './certificate.fixture.ts';
import { createEgress, type Egress, type EgressOptions } from './index.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: RawServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const http = (listener: RequestListener): Promise<number> => listening(createServer(listener));
const raw = (onSocket: (socket: Socket) => void): Promise<number> => listening(createRawServer(onSocket));

function egressWith(options: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({ allow: ['127.0.0.1'], ...options });
  closers.push(() => egress.close());
  return egress;
}

/** What would have a message go elsewhere, or end elsewhere. */
const FRAMING = {
  Host: 'elsewhere',
  'Content-Length': '3',
  'Transfer-Encoding': 'chunked',
  Connection: 'close',
  Upgrade: 'websocket',
  Expect: '100-continue',
  TE: 'trailers',
  Trailer: 'x-more',
  'Proxy-Authorization': 'Basic eDp5',
};

const get = (url: string) => ({ url, method: 'GET' });

describe('a call', () => {
  it('sends what it was given and reads what was answered', async () => {
    const port = await http((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        response.setHeader('x-answer', 'yes');
        response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
      });
    });
    const answer = await egressWith().request({
      url: `http://127.0.0.1:${port}/hooks?x=%20y#part`,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...FRAMING },
      body: '{"ü":1}',
    });
    expect(answer).toMatchObject({ status: 200, isComplete: true, headers: { 'x-answer': 'yes' } });
    expect(JSON.parse(answer.body.toString())).toEqual({
      method: 'POST',
      url: '/hooks?x=%20y',
      // Where a message goes and where it ends is not for whoever set its headers to say.
      headers: {
        'content-type': 'application/json',
        'content-length': '8',
        host: `127.0.0.1:${port}`,
        connection: 'keep-alive',
      },
      body: '{"ü":1}',
    });
  });

  it('follows no redirect', async () => {
    let asked = 0;
    const port = await http((_request, response) => {
      asked += 1;
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    const answer = await egressWith().request(get(`http://127.0.0.1:${port}/`));
    expect([answer.status, asked]).toEqual([302, 1]);
  });

  it('takes no proxy from the environment', async () => {
    const proxy = await http((_request, response) => response.end('proxy'));
    const port = await http((_request, response) => response.end('target'));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']) {
      process.env[name] = name.startsWith('NODE') ? '1' : `http://127.0.0.1:${proxy}`;
      closers.push(() => delete process.env[name]);
    }
    const answer = await egressWith().request(get(`http://127.0.0.1:${port}/`));
    expect(answer.body.toString()).toBe('target');
  });

  it('is repeated once when a connection that was kept open turns out closed', async () => {
    let connections = 0;
    const port = await raw((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        if (requests > 1) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const egress = egressWith();
    for (let call = 0; call < 2; call += 1) {
      expect((await egress.request(get(`http://127.0.0.1:${port}/`))).status).toBe(200);
    }
    expect(connections).toBe(2);
  });

  it('is not repeated where it is the first of its connection: it may have been heard', async () => {
    let connections = 0;
    const port = await raw((socket) => {
      connections += 1;
      socket.on('data', () => socket.resetAndDestroy());
    });
    await expect(egressWith().request(get(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({
      failure: 'connection_lost',
    });
    expect(connections).toBe(1);
  });
});

describe('the address that is dialled', () => {
  it('is one that was judged, with no second look-up in between', async () => {
    const port = await http((_request, response) => response.end('inside'));
    let asked = 0;
    // The first answer, at set time, is public; those after it are not.
    const resolve = () => {
      asked += 1;
      return Promise.resolve(asked === 1 ? ['93.184.216.34'] : ['127.0.0.1']);
    };
    const egress = egressWith({ allow: [], resolve });
    const url = `http://rebinding.example:${port}/`;
    await egress.checkTarget(url);
    await expect(egress.request(get(url))).rejects.toMatchObject({ code: 'forbidden_target' });
    expect(asked).toBe(2);
  });

  it('is refused when a private one hides behind a public one', async () => {
    const port = await http((_request, response) => response.end('inside'));
    const egress = egressWith({ allow: [], resolve: () => Promise.resolve(['192.0.2.1', '127.0.0.1']) });
    await expect(egress.request(get(`http://mixed.example:${port}/`))).rejects.toMatchObject({
      code: 'forbidden_target',
    });
  });

  it('is judged for a literal too, which no socket resolves', async () => {
    const port = await http((_request, response) => response.end('inside'));
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:7f00:1]']) {
      await expect(egressWith({ allow: [] }).request(get(`http://${host}:${port}/`))).rejects.toMatchObject({
        code: 'forbidden_target',
      });
    }
  });

  it('is reached where the operator allowed it by name', async () => {
    const port = await http((request, response) => response.end(request.headers.host));
    const egress = egressWith({ allow: ['erp.internal'], resolve: () => Promise.resolve(['127.0.0.1']) });
    const answer = await egress.request(get(`http://ERP.internal.:${port}/`));
    expect(answer.body.toString()).toBe(`erp.internal:${port}`);
  });
});

describe('TLS', () => {
  const authority = createAuthority();
  const resolve = () => Promise.resolve(['127.0.0.1']);

  async function tlsServer(host: string): Promise<{ port: number; names: (string | false | undefined)[] }> {
    const names: (string | false | undefined)[] = [];
    const server: Server = createTlsServer(authority.issue(host), (request, response) => {
      response.end(request.headers.host);
    });
    server.on('secureConnection', (socket: { servername?: string | false }) => names.push(socket.servername));
    return { port: await listening(server), names };
  }

  it('names the host and verifies its certificate', async () => {
    const { port, names } = await tlsServer('hooks.example');
    const egress = egressWith({ ca: authority.ca, resolve });
    const answer = await egress.request(get(`https://hooks.example:${port}/`));
    expect(answer.body.toString()).toBe(`hooks.example:${port}`);
    expect(names).toEqual(['hooks.example']);
  });

  it('refuses a certificate of another host, and of an authority that nobody knows', async () => {
    const { port } = await tlsServer('hooks.example');
    closers.push(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    await expect(
      egressWith({ ca: authority.ca, resolve }).request(get(`https://other.example:${port}/`)),
    ).rejects.toMatchObject({ failure: 'tls_failed' });
    await expect(egressWith({ resolve }).request(get(`https://hooks.example:${port}/`))).rejects.toMatchObject({
      failure: 'tls_failed',
    });
  });
});

describe('a target that misbehaves', () => {
  it('by hanging is left at the deadline', async () => {
    const port = await raw(() => undefined);
    const beganMs = performance.now();
    await expect(egressWith().request({ ...get(`http://127.0.0.1:${port}/`), timeoutMs: 150 })).rejects.toMatchObject({
      failure: 'timeout',
    });
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  });

  it('by never finishing TLS is left when connecting took too long', async () => {
    const port = await raw(() => undefined);
    const beganMs = performance.now();
    await expect(
      egressWith().request({ ...get(`https://127.0.0.1:${port}/`), connectTimeoutMs: 150 }),
    ).rejects.toMatchObject({ failure: 'connect_timeout' });
    expect(performance.now() - beganMs).toBeLessThan(4_000);
  });

  it('by a name server that hangs is left when connecting took too long', async () => {
    const egress = egressWith({ resolve: () => new Promise(() => undefined) });
    await expect(egress.request({ ...get('http://slow.example/'), connectTimeoutMs: 150 })).rejects.toMatchObject({
      failure: 'connect_timeout',
    });
  });

  it('by trickling its head is left at the deadline', async () => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x: y\r\n'), 10);
      socket.on('close', () => clearInterval(timer));
    });
    await expect(egressWith().request({ ...get(`http://127.0.0.1:${port}/`), timeoutMs: 200 })).rejects.toMatchObject({
      failure: 'timeout',
    });
  });

  it('by trickling its body has answered, and is cut', async () => {
    const port = await http((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    });
    const answer = await egressWith().request({ ...get(`http://127.0.0.1:${port}/`), bodyTimeoutMs: 150 });
    expect(answer).toMatchObject({ status: 200, isComplete: false });
    expect(answer.durationMs).toBeLessThan(2_000);
  });

  it('by a body that is no HTTP has answered', async () => {
    const port = await raw((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nno size\r\n'),
    );
    const answer = await egressWith().request(get(`http://127.0.0.1:${port}/`));
    expect(answer).toMatchObject({ status: 200, isComplete: false });
  });

  it('by a body of 1 GB is cut after what was asked for', async () => {
    let written = 0;
    let isCut = false;
    const chunk = Buffer.alloc(65_536, 'x');
    const port = await http((_request, response) => {
      response.on('close', () => (isCut = true));
      response.writeHead(200, { 'content-length': 2 ** 30 });
      const more = (): void => {
        while (!response.destroyed && written < 2 ** 30) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    });
    const answer = await egressWith().request({ ...get(`http://127.0.0.1:${port}/`), maxResponseBytes: 1_000 });
    expect(answer).toMatchObject({ status: 200, isComplete: false });
    expect(answer.body.length).toBe(1_000);
    expect(written).toBeLessThan(2 ** 26);
    await expect.poll(() => isCut).toBe(true);
  });

  it('by a body as large as was asked for is read whole', async () => {
    const port = await http((_request, response) => response.end(Buffer.alloc(1_000, 'x')));
    const answer = await egressWith().request({ ...get(`http://127.0.0.1:${port}/`), maxResponseBytes: 1_000 });
    expect(answer).toMatchObject({ isComplete: true, body: Buffer.alloc(1_000, 'x') });
  });

  it('by a head without end, or by no HTTP at all, is an error', async () => {
    const endless = await raw((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`));
    await expect(egressWith().request(get(`http://127.0.0.1:${endless}/`))).rejects.toMatchObject({
      failure: 'no_http',
    });
    const smtp = await raw((socket) => socket.write('220 mail.example ESMTP\r\n'));
    await expect(egressWith().request(get(`http://127.0.0.1:${smtp}/`))).rejects.toMatchObject({ failure: 'no_http' });
  });

  it('by switching protocols is an error', async () => {
    const port = await raw((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')),
    );
    await expect(egressWith().request(get(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({ failure: 'no_http' });
  });

  it('by a name without an address is an error', async () => {
    const egress = egressWith({ resolve: () => Promise.resolve([]) });
    await expect(egress.request(get('http://nowhere.example/'))).rejects.toMatchObject({
      failure: 'name_not_resolved',
    });
  });

  it('by listening on nothing is an error', async () => {
    const port = await http(() => undefined);
    for (const close of closers.splice(0)) close();
    await expect(egressWith().request(get(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({
      failure: 'connect_failed',
    });
  });
});

describe('the caller', () => {
  it('breaks a call off, also before it has begun', async () => {
    const port = await raw(() => undefined);
    const caller = new AbortController();
    const call = egressWith().request({ ...get(`http://127.0.0.1:${port}/`), signal: caller.signal });
    setTimeout(() => caller.abort(), 50);
    await expect(call).rejects.toMatchObject({ failure: 'aborted' });
    const late = egressWith().request({ ...get(`http://127.0.0.1:${port}/`), signal: caller.signal });
    await expect(late).rejects.toMatchObject({ failure: 'aborted' });
  });

  it('breaks nothing off by changing its mind later: the connection is another call’s', async () => {
    let answer = (): void => undefined;
    let asked = 0;
    const port = await http((_request, response) => {
      asked += 1;
      if (asked === 1) response.end('first');
      else answer = () => response.end('second');
    });
    const egress = egressWith();
    const caller = new AbortController();
    await egress.request({ ...get(`http://127.0.0.1:${port}/`), signal: caller.signal });
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    const second = egress.request(get(`http://127.0.0.1:${port}/`));
    await expect.poll(() => asked).toBe(2);
    caller.abort();
    answer();
    expect((await second).body.toString()).toBe('second');
    expect(asked).toBe(2);
  });
});
