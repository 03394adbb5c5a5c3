import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** One request, as a client sends it. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server's address, such as /api/v1/products. */
  path: string;
  body?: unknown;
  /** Idempotency-Key. */
  key?: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The body, byte for byte. */
  text: string;
  tookMs: number;
}

/** The request may have been done or not: its connection broke, or nobody answered in time. */
export class NoAnswer extends Error {}

const PATIENCE_MS = 30_000;

/**
 * A client of one server, which knows nothing of it but its address. It repeats by itself only what was turned away at the
 * door: what a machine that stands still has a server say is no outcome of what was asked. All of that is the time it took.
 */
export class ApiClient {
  readonly #address: () => string;
  readonly #agent: Agent;

  /** @param address asked for each request: a server that was started again may be elsewhere */
  constructor(address: string | (() => string), connections = 64) {
    this.#address = typeof address === 'string' ? () => address : address;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** @throws NoAnswer */
  async call(call: Call): Promise<Answer> {
    const startedMs = performance.now();
    for (;;) {
      const answer = { ...(await this.#send(call)), tookMs: performance.now() - startedMs };
      if (codeOf(answer) !== 'overloaded' || answer.tookMs > PATIENCE_MS) return answer;
      await delay(200);
    }
  }

  #send({ method, path, body, key, headers = {} }: Call): Promise<Omit<Answer, 'tookMs'>> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.#address()), {
        method,
        agent: this.#agent,
        timeout: PATIENCE_MS,
        headers: {
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...headers,
        },
      });
      const fail = (error: Error): void => reject(new NoAnswer(`${method} ${path}: ${error.message}`));
      sent.on('error', fail);
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('aborted', () => fail(new Error('the answer broke off')));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      sent.end(payload);
    });
  }

  /** For steps that must succeed: the parsed body. */
  async must(call: Call): Promise<Record<string, unknown>> {
    const answer = await this.call(call);
    if (answer.status >= 300) throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.text}`);
    return bodyOf(answer);
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function bodyOf(answer: Answer): Record<string, unknown> {
  return answer.text === '' ? {} : (JSON.parse(answer.text) as Record<string, unknown>);
}

/** The stable word of a refusal; empty for a success. */
export function codeOf(answer: Answer): string {
  if (answer.status < 400) return '';
  try {
    const { code } = bodyOf(answer);
    return typeof code === 'string' ? code : 'no code';
  } catch {
    return 'no problem document';
  }
}
