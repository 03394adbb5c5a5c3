import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import { blocksOf } from './docs/markdown.blocks.ts';
import { freePort, runHoldfast, serveHoldfast, statusOf, until, type ServingProcess } from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

const LIMIT = 3;
/** Node takes a request line of 16 KiB, and a query is no way around a limit. */
const LONG_QUERY = `&note=${'x'.repeat(8_000)}`;
const blocks = blocksOf(readFileSync(new URL('../../../docs/guides/rate-limits.md', import.meta.url), 'utf8'));

/** The one block of the guide that begins so. */
function blockThat(beginning: string): string {
  const [found, ...more] = blocks.filter(({ language, text }) => language === 'ts' && text.startsWith(beginning));
  if (found === undefined || more.length > 0) throw new Error(`not one block of the guide begins with ${beginning}`);
  return found.text;
}

const FRAMEWORKS = [
  {
    name: 'Express',
    open: `import express from 'express'; const app = express();`,
    middleware: blockThat('app.use('),
    close: `app.all('/{*path}', (req, res) => res.send('sold')); app.listen(process.env.PORT, '127.0.0.1');`,
  },
  {
    name: 'Fastify',
    open: `import { fastify } from 'fastify'; const app = fastify();`,
    middleware: blockThat('app.addHook('),
    close: `app.all('/*', async () => 'sold'); await app.listen({ port: process.env.PORT, host: '127.0.0.1' });`,
  },
];

let database: Awaited<ReturnType<typeof createDatabase>>;
let holdfast: ServingProcess;
let key: string;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: databaseUrl(database.connection) };
  const makeKey = async (scope: string): Promise<string> =>
    (await runHoldfast(['keys', 'create', '--name', scope, '--scopes', scope], env)).stdout.trim();
  const admin = await makeKey('admin');
  key = await makeKey('limit');
  holdfast = await serveHoldfast(['--port', '0'], env);
  for (const path of ['/Express', '/Fastify']) {
    const rule = { name: path, algorithm: 'fixed_window', limit: LIMIT, windowMs: 2_678_400_000, subject: 'ip' };
    const answer = await fetch(`${holdfast.address}/api/v1/rate-limits`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': admin },
      body: JSON.stringify({ ...rule, match: { methods: ['POST'], path } }),
    });
    if (answer.status !== 201) throw new Error(await answer.text());
  }
});
afterAll(async () => {
  await holdfast.stop();
  await database.drop();
});

test.each(FRAMEWORKS)('$name lets through what the rule allows, and refuses the rest', async (framework) => {
  const shop = await openShop(framework, holdfast.address);
  try {
    const answers = await Promise.all(
      Array.from({ length: LIMIT * 3 }, (_, index) => shop.buy(`?of=${index}${LONG_QUERY}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(LIMIT * 2);
    expect(refused[0]?.headers.get('x-ratelimit-limit')).toBe(String(LIMIT));
    expect(refused[0]?.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toEqual({ error: 'Too many requests' });
  } finally {
    await shop.close();
  }
});

test.each(FRAMEWORKS)('$name goes on where nobody answers', async (framework) => {
  const shop = await openShop(framework, `http://127.0.0.1:${await freePort()}`);
  try {
    const answers = await Promise.all(Array.from({ length: LIMIT * 3 }, () => shop.buy()));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  } finally {
    await shop.close();
  }
});

interface Shop {
  buy: (query?: string) => Promise<Response>;
  close: () => Promise<void>;
}

/** A process with the guide's code in it. */
async function openShop(
  { name, open, middleware, close }: (typeof FRAMEWORKS)[number],
  address: string,
): Promise<Shop> {
  // More patience than its 200 ms: on a machine with other work it would let pass what it was not answered in time.
  const limiter = blockThat('import { createRateLimiter')
    .replace('http://127.0.0.1:8080', address)
    .replace('key:', 'timeoutMs: 10_000, key:');
  const port = await freePort();
  const code = [open, limiter, middleware, close].join('\n');
  const shop = spawn(process.execPath, ['--conditions=holdfast-source', '--input-type=module', '--eval', code], {
    env: { ...process.env, HOLDFAST_LIMIT_KEY: key, PORT: String(port) },
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until('the shop is open', async () => (await statusOf(`http://127.0.0.1:${port}/window`)) === 200);
  return {
    buy: (query = '') => fetch(`http://127.0.0.1:${port}/${name}${query}`, { method: 'POST' }),
    close: async () => {
      shop.kill();
      await once(shop, 'exit');
    },
  };
}
