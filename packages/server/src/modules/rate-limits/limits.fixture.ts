import { setTimeout as delay } from 'node:timers/promises';
import { startTestApp, type TestApp, type TestAppOptions } from '../../../test/app.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** The longest window there may be: one of an hour begins anew at each hour, in the middle of a test. */
export const MONTH_MS = 2_678_400_000;

export interface LimitedApp {
  test: TestApp;
  /** Asks as whoever the headers say, from this address. */
  ask(method: Method, path: string, options?: AskOptions): Promise<Answered>;
  /** Makes a rule; the others stay. @returns its id */
  rule(fields: object): Promise<string>;
  /** So many requests one after the other: how many were not refused by a limit. */
  admitted(count: number, method: Method, path: string, options?: AskOptions): Promise<number>;
  /** Deletes the rules that tests made. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface AskOptions {
  body?: object;
  headers?: Record<string, string>;
  remoteAddress?: string;
  /** As it is, not under /api/v1. */
  isWhole?: boolean;
}

export interface Answered {
  status: number;
  headers: Record<string, unknown>;
  body: Record<string, unknown>;
}

/** A Holdfast whose rules tests make: those of a fresh installation are gone. */
export async function startLimitedApp(appOptions: TestAppOptions = {}): Promise<LimitedApp> {
  const test = await startTestApp(appOptions);
  const ids: string[] = [];
  const ask: LimitedApp['ask'] = async (method, path, options = {}) => {
    const { body, headers = {}, remoteAddress, isWhole = false } = options;
    const answer = await test.app.inject({
      method,
      url: isWhole ? path : `/api/v1${path}`,
      headers,
      ...(body === undefined ? {} : { payload: body }),
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
    });
    const isJson = String(answer.headers['content-type']).includes('json') && answer.body !== '';
    const answered: Answered = {
      status: answer.statusCode,
      headers: answer.headers,
      body: isJson ? answer.json() : {},
    };
    // On a machine that is too busy the server sheds load, before it counts anything.
    if (answered.body['code'] !== 'overloaded') return answered;
    await delay(100);
    return ask(method, path, options);
  };
  const fresh = await ask('GET', '/rate-limits');
  for (const { id } of fresh.body['items'] as { id: string }[]) await ask('DELETE', `/rate-limits/${id}`);
  return {
    test,
    ask,
    rule: async (fields) => {
      const body = { name: 'test', algorithm: 'fixed_window', limit: 3, windowMs: MONTH_MS, subject: 'ip', ...fields };
      const made = await ask('POST', '/rate-limits', { body });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      const id = String(made.body['id']);
      ids.push(id);
      return id;
    },
    admitted: async (count, method, path, more) => {
      let passed = 0;
      for (let index = 0; index < count; index += 1) {
        if ((await ask(method, path, more)).status !== 429) passed += 1;
      }
      return passed;
    },
    reset: async () => {
      for (const id of ids.splice(0)) await ask('DELETE', `/rate-limits/${id}`);
    },
    close: () => test.close(),
  };
}
