import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServer, type HoldfastServer } from '../../main/server.ts';
import { loadConfig } from '../../platform/config/index.ts';
import { Database } from '../../platform/database/index.ts';
import { createLogger } from '../../platform/log/index.ts';

let server: HoldfastServer;
let database: Database;
beforeAll(async () => {
  const unknown = (): never => {
    throw new Error('the database is asked before it is known');
  };
  database = new Database({ connection: unknown, onError: () => undefined });
  const config = loadConfig({ LOG_LEVEL: 'silent' });
  server = await createServer({ config, log: createLogger('silent'), database, runtimeMetrics: false, duties: false });
});
afterAll(async () => {
  await server.close();
  await database.close();
});

test.each([
  ['GET', '/session', undefined],
  ['POST', '/session', { login: 'ada', password: 'three tired herons' }],
  ['DELETE', '/session', undefined],
  ['GET', '/people', undefined],
] as const)('%s %s says that the server is starting', async (method, path, payload) => {
  const url = `/api/v1${path}`;
  const answer = await server.app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'database_unavailable' });
});
