import { setTimeout as sleep } from 'node:timers/promises';

/** An answer of the API. */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** The server did not answer as a demo needs it to. */
export class DemoFailed extends Error {
  override name = 'DemoFailed';
}

const ATTEMPTS_MAX = 20;
const PAUSE_MS = 250;

/** Speaks to Holdfast as any shop would: JSON over HTTP, and the same key again where it does not know what became of it. */
export class DemoClient {
  readonly #url: string;
  readonly #key: string | null;
  /** How long calls took, in milliseconds, by what they did. */
  readonly durations = new Map<string, number[]>();
  calls = 0;

  constructor(url: string, key: string | null) {
    this.#url = `${url.replace(/\/+$/, '')}/api/v1`;
    this.#key = key;
  }

  async get(path: string): Promise<unknown> {
    return this.expect('GET', path, null, [200]);
  }

  /** @throws DemoFailed for any other status */
  async expect(method: string, path: string, body: object | null, statuses: readonly number[]): Promise<unknown> {
    const answer = await this.send(method, path, body, null);
    if (statuses.includes(answer.status)) return answer.body;
    throw new DemoFailed(`${method} ${path} was answered with ${answer.status}: ${detailOf(answer.body)}`);
  }

  /** A command under its key. `what` names it in the figures. */
  async command(what: string, path: string, body: object, key: string): Promise<ApiAnswer> {
    const startedMs = performance.now();
    const answer = await this.send('POST', path, body, key);
    const known = this.durations.get(what) ?? [];
    known.push(performance.now() - startedMs);
    this.durations.set(what, known);
    return answer;
  }

  async send(method: string, path: string, body: object | null, key: string | null): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      this.calls += 1;
      try {
        const response = await fetch(this.#url + path, {
          method,
          headers: this.#headers(body, key),
          ...(body === null ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        const isBusy = response.status === 503 || response.status === 429;
        if (!isBusy || attempt >= ATTEMPTS_MAX) {
          return { status: response.status, body: text === '' ? null : JSON.parse(text) };
        }
      } catch (error) {
        // Only what has a key, or changes nothing, may be sent again.
        const mayRepeat = key !== null || method === 'GET';
        if (!(error instanceof TypeError) || !mayRepeat || attempt >= ATTEMPTS_MAX) throw unreachable(this.#url, error);
      }
      await sleep(PAUSE_MS);
    }
  }

  #headers(body: object | null, key: string | null): Record<string, string> {
    return {
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(this.#key === null ? {} : { authorization: `Bearer ${this.#key}` }),
    };
  }
}

/** fetch says nothing in its message and all in its cause. */
function unreachable(url: string, error: unknown): Error {
  if (!(error instanceof TypeError)) return error instanceof Error ? error : new DemoFailed(String(error));
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return new DemoFailed(`${url} cannot be reached: ${cause}`);
}

function detailOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'detail' in body) return String(body.detail);
  return JSON.stringify(body);
}
