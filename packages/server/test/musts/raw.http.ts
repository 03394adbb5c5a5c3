import { connect } from 'node:net';

/** What fetch would not send: a request is text and bytes, put together here. */
export interface RawRequest {
  method: string;
  /** As it stands in the request line. */
  target: string;
  /** In order, and as often as given; Host, Connection and Content-Length come by themselves where they are missing. */
  headers?: readonly (readonly [name: string, value: string])[];
  body?: string | Buffer;
}

export interface RawAnswer {
  status: number;
  /** By name in lower case. */
  headers: Record<string, string>;
  text: string;
}

const PATIENCE_MS = 15_000;

export function bytesOf({ method, target, headers = [], body }: RawRequest): Buffer {
  const payload = body === undefined ? null : Buffer.from(body);
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const all = [...headers];
  if (!given.has('host')) all.push(['Host', 'localhost']);
  if (!given.has('connection')) all.push(['Connection', 'close']);
  if (payload !== null && !given.has('content-length') && !given.has('transfer-encoding')) {
    all.push(['Content-Length', String(payload.length)]);
  }
  const head = [`${method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), payload ?? Buffer.alloc(0)]);
}

/**
 * Sends bytes on a connection of their own and reads until the server closes it. A server that hangs is an error.
 *
 * @param breaksOff says that nothing more will come
 */
export function sendBytes(port: number, bytes: Buffer, { breaksOff = false } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(PATIENCE_MS, () => {
      socket.destroy();
      reject(new Error(`no whole answer within ${PATIENCE_MS} ms: ${Buffer.concat(chunks).toString('latin1')}`));
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    // A refused body is not always read to its end: what was answered before the reset counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      try {
        resolve(parse(Buffer.concat(chunks)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.write(bytes);
    if (breaksOff) socket.end();
  });
}

export function send(port: number, request: RawRequest): Promise<RawAnswer> {
  return sendBytes(port, bytesOf(request));
}

function parse(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  if (!Number.isInteger(status)) throw new Error(`not an answer: ${bytes.toString('latin1', 0, 200)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers, text: bytes.subarray(end + 4).toString('utf8') };
}
