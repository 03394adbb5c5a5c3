import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Database } from '../database/index.ts';
import { PermanentError, type JobType } from './job.type.ts';
import { configOf, fixtureRun, type FixtureRun } from './run.context.fixture.ts';
import { typeDirectory, typeText, type TypeDirectory } from './thread.fixture.ts';
import { jsonText, NoJsonError } from './thread.json.ts';
import { loadUserTypes, type UserTypes, type UserTypesOptions } from './thread.loader.ts';
import type { UserCall } from './thread.run.ts';

// Nothing here comes as far as a connection.
const database = new Database({ connection: inject('postgres'), onError: () => undefined });
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const noCall = (): Promise<never> => Promise.reject(new Error('nothing is called'));

async function loaded(files: Record<string, string>, options: Partial<UserTypesOptions> = {}): Promise<UserTypes> {
  return loadedFrom(await typeDirectory(files), options);
}

async function loadedFrom(directory: TypeDirectory, options: Partial<UserTypesOptions> = {}): Promise<UserTypes> {
  const types = await loadUserTypes(directory.path, { call: noCall, ...options });
  closers.push(
    () => types.close(),
    () => directory.remove(),
  );
  return types;
}

/** The only type of a directory with one file that does this. */
async function typeThat(run: string, options: Partial<UserTypesOptions> & { head?: string } = {}): Promise<JobType> {
  const { head = '', ...rest } = options;
  const { types, refused } = await loaded({ 'one.mjs': `${head}\n${typeText('one', run)}` }, rest);
  expect(refused).toEqual([]);
  const [type] = types;
  if (type === undefined) throw new Error('there is no type');
  return type;
}

const contextOf = (config: object = {}): FixtureRun => fixtureRun<unknown>({ database, config });
const run = (type: JobType, context = contextOf()): Promise<unknown> => type.run(context as never);

describe('a type of a user', () => {
  it('is described by its file', async () => {
    const text = typeText('count_shelves', 'return 1', 'concurrency: 2, timeoutMs: 5000, retries: 1, keepDays: 7,');
    const { types, refused } = await loaded({ 'a.mjs': text });
    expect(refused).toEqual([]);
    expect(types).toEqual([
      {
        name: 'count_shelves',
        title: 'Test',
        description: 'Tests.',
        config: {
          type: 'object',
          properties: { sku: { type: 'string', description: 'A product.' } },
          additionalProperties: false,
        },
        concurrency: 2,
        defaults: { timeoutMs: 5_000, retries: 1, keepDays: 7 },
        run: expect.any(Function),
      },
    ]);
  });

  it('runs in a thread with its config, and tells how far it is', async () => {
    const type = await typeThat(`
      const { threadId, isMainThread } = await import('node:worker_threads');
      context.progress(50, 'half');
      context.log('warn', 'careful');
      const { runId, jobId, jobName, attempt, startedBy, config } = context;
      return { runId, jobId, jobName, attempt, startedBy, config, isMainThread, isOther: threadId > 0 };`);
    const context = contextOf({ sku: 'MUG' });
    expect(await run(type, context)).toEqual({
      runId: context.runId,
      jobId: context.jobId,
      jobName: 'test',
      attempt: 1,
      startedBy: 'system:jobs',
      config: { sku: 'MUG' },
      isMainThread: false,
      isOther: true,
    });
    expect(context.progressed).toEqual([{ percent: 50, message: 'half' }]);
    expect(context.logs).toEqual([{ level: 'warn', message: 'careful' }]);
  });

  it('has no environment, no arguments and no flags of the server', async () => {
    process.env['HOLDFAST_TEST_SECRET'] = 'secret';
    try {
      const type = await typeThat(
        'return { env: { ...process.env }, argv: process.argv.slice(2), flags: process.execArgv }',
      );
      expect(await run(type)).toEqual({ env: {}, argv: [], flags: [] });
    } finally {
      delete process.env['HOLDFAST_TEST_SECRET'];
    }
  });

  it('may be TypeScript, import what lies beside it, and be CommonJS', async () => {
    const directory = await typeDirectory({
      'typed.ts': typeText('typed', 'const one: number = 1; return one').replace('(context)', '(context: unknown)'),
      'imports.js': `import { two } from './_shared.mjs';\n${typeText('imports', 'return two')}`,
      '_shared.mjs': 'export const two = 2;',
      'types.d.ts': 'this is not read',
      'notes.md': 'nor is this',
      '.hidden.mjs': 'nor this',
      'package.json': '{"type": "module"}',
    });
    await mkdir(join(directory.path, 'folder.mjs'));
    const { types, refused } = await loadedFrom(directory);
    expect(refused).toEqual([]);
    expect(await Promise.all(types.map((type) => run(type)))).toEqual([2, 1]);
  });

  it('has the schema of its file, and no members beyond it', async () => {
    const type = await typeThat('return 1');
    expect(configOf(type, { sku: 'MUG' })).toEqual({ sku: 'MUG' });
    expect(() => configOf(type, { sku: 1 })).toThrow('must be string');
    expect(() => configOf(type, { other: 1 })).toThrow('additional properties');
  });
});

describe('what a type prints', () => {
  it('becomes lines of its run', async () => {
    const type = await typeThat(`
      console.log('one', { two: 2 });
      console.error('wrong');
      process.stdout.write('with');
      process.stdout.write('out end');
      await new Promise((resolve) => process.stdout.write('\\nlast', resolve));`);
    const context = contextOf();
    await run(type, context);
    expect(context.logs).toEqual([
      { level: 'info', message: 'one { two: 2 }' },
      { level: 'warn', message: 'wrong' },
      { level: 'info', message: 'without end' },
      { level: 'info', message: 'last' },
    ]);
  });

  it('is cut where it has no end', async () => {
    const type = await typeThat(`
      for (let line = 0; line < 10_500; line += 1) console.log('x'.repeat(line === 0 ? 9_000 : 1));
      context.log('info', 'a\\0b');`);
    const context = contextOf();
    await run(type, context);
    expect(context.logs).toHaveLength(10_001);
    expect(context.logs[0]?.message).toHaveLength(4_001);
    expect(context.logs.at(-1)).toEqual({
      level: 'warn',
      message: '501 further lines were dropped: a run may log 10000',
    });
  });

  it('of progress is told ten times a second at most, and the last of it always', async () => {
    const type = await typeThat(
      `for (let step = 0; step <= 100_000; step += 1) context.progress(step / 1000, 'at ' + step);`,
    );
    const context = contextOf();
    await run(type, context);
    expect(context.progressed[0]).toEqual({ percent: 0, message: 'at 0' });
    expect(context.progressed.at(-1)).toEqual({ percent: 100, message: 'at 100000' });
    expect(context.progressed.length).toBeLessThan(1_000);
  });
});

describe('a result', () => {
  it.each([
    ['', null],
    ['return undefined', null],
    ['return { at: new Date(0), none: undefined }', { at: '1970-01-01T00:00:00.000Z' }],
    ['return "a\\0b\\ud800"', 'a\ufffdb\ufffd'],
  ])('of %j', async (text, result) => {
    expect(await run(await typeThat(text))).toEqual(result);
  });

  it('that is none fails for good', async () => {
    const error: unknown = await run(await typeThat('return { total: 1n }')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PermanentError);
    const message = '"total" of the result is a BigInt, which is no JSON: make it a number or text';
    expect(error).toMatchObject({ message });
  });

  const itself: Record<string, unknown> = {};
  itself['of'] = itself;
  let deep: unknown[] = [];
  for (let depth = 0; depth < 1e5; depth += 1) deep = [deep];
  it.each([
    ['a BigInt', 1n, 'the result is a BigInt, which is no JSON: make it a number or text'],
    ['a function', () => 1, 'the result is a function, which is no JSON'],
    ['a symbol', [Symbol('s')], '"0" of the result is a symbol, which is no JSON'],
    ['no number', { rate: 0 / 0 }, '"rate" of the result is NaN, which is no JSON'],
    ['a map', { all: new Map() }, '"all" of the result is a Map, which is no JSON'],
    ['a set', { all: new Set() }, '"all" of the result is a Set, which is no JSON'],
    ['an error', { why: new Error('why') }, '"why" of the result is an Error, which is no JSON'],
    ['a promise', { later: Promise.resolve(1) }, '"later" of the result is a promise: await it'],
    ['bytes', [new Uint8Array(3)], '"0" of the result is bytes, which are no JSON: write a file'],
    ['a buffer', [new ArrayBuffer(3)], '"0" of the result is bytes, which are no JSON: write a file'],
    ['a circle', itself, 'the result holds itself'],
    ['a deep one', deep, 'the result is nested too deeply'],
    ['a text of 999', 'x'.repeat(999), 'the result has 1001 bytes as JSON, and at most 1000 are kept'],
    ['one that throws', { toJSON: () => atob('?') }, expect.stringMatching(/^the result cannot be written: .+/)],
  ])('is no JSON: %s', (_what, value, message) => {
    const written = (): unknown => {
      try {
        return jsonText(value, 'the result', 1_000);
      } catch (error) {
        return error;
      }
    };
    expect(written()).toBeInstanceOf(NoJsonError);
    expect(written()).toMatchObject({ message });
  });

  it('may have as many bytes as are kept', () => {
    expect(jsonText('x'.repeat(998), 'the result', 1_000)).toHaveLength(1_000);
    expect(jsonText('äx', 'the result', 5)).toBe('"äx"');
    expect(() => jsonText('äx', 'the result', 4)).toThrow('the result has 5 bytes');
  });
});

describe('a call', () => {
  async function calling(text: string, answer: (call: UserCall) => { status: number; body: unknown } | Promise<never>) {
    const calls: UserCall[] = [];
    const type = await typeThat(text, {
      call: async (call) => {
        calls.push(call);
        return answer(call);
      },
    });
    return { type, calls };
  }

  it('goes to the API, and its answer comes back', async () => {
    const { type, calls } = await calling(
      `const { call } = context;
       const got = await call('get', '/products?limit=2');
       const made = await call('POST', '/products', { sku: 'MUG' });
       return [got, made];`,
      ({ method }) => ({ status: method === 'GET' ? 200 : 409, body: { code: 'taken' } }),
    );
    const context = contextOf();
    expect(await run(type, context)).toEqual([
      { status: 200, body: { code: 'taken' } },
      { status: 409, body: { code: 'taken' } },
    ]);
    const { runId, jobId, jobName, startedBy, signal } = context;
    const common = { runId, jobId, jobName, startedBy, signal };
    expect(calls).toEqual([
      { ...common, method: 'GET', path: '/products?limit=2', idempotencyKey: null },
      { ...common, method: 'POST', path: '/products', body: { sku: 'MUG' }, idempotencyKey: expect.any(String) },
    ]);
    expect(calls[1]?.idempotencyKey).toMatch(new RegExp(`^${runId}:[0-9a-f]{32}:0$`));
  });

  it('has a key that an attempt repeats, and no other call has', async () => {
    const text = `
      await context.call('POST', '/a', { n: 1 });
      await context.call('POST', '/a', { n: 1 });
      await context.call('POST', '/a', { n: 2 });
      await context.call('PUT', '/a', { n: 1 });
      await context.call('POST', '/a', { at: Math.random() }, { key: 'mine' });
      await context.call('POST', '/a', undefined, { key: 'mine ünd' });`;
    const { type, calls } = await calling(text, () => ({ status: 200, body: null }));
    const first = contextOf();
    await run(type, first);
    await run(type, first.next());
    await run(type);
    const keys = calls.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys.slice(0, 6)).size).toBe(6);
    expect(keys.slice(6, 12)).toEqual(keys.slice(0, 6));
    expect(new Set(keys).size).toBe(12);
    for (const key of keys) expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
  });

  it('is one of eight at a time', async () => {
    let [open, most] = [0, 0];
    const type = await typeThat(
      `await Promise.all(Array.from({ length: 40 }, (_, n) => context.call('POST', '/a/' + n)));`,
      {
        call: async () => {
          open += 1;
          most = Math.max(most, open);
          await new Promise((resolve) => setTimeout(resolve, 5));
          open -= 1;
          return { status: 200, body: null };
        },
      },
    );
    await run(type);
    expect(most).toBe(8);
  });

  it('that fails is an error within the type', async () => {
    const { type } = await calling(
      `try { await context.call('GET', '/a'); } catch (error) { return error.message; }`,
      () => Promise.reject(new Error('the database is away')),
    );
    expect(await run(type)).toBe('the database is away');
  });

  it('that goes nowhere is refused', async () => {
    const askings = [
      `'TRACE', '/a'`,
      `'GET', 'http://evil.example/'`,
      `'GET', '//evil.example/'`,
      `'GET', '/../../metrics'`,
      `'GET', '/a/..'`,
      `'GET', '/a/./b'`,
      `'GET', '/a\\\\b'`,
      `'GET', '/a#b'`,
      `'GET', '/a b'`,
      `'GET', '/a\\r\\nx: y'`,
      `'GET', 'a'`,
      `'GET', 7`,
    ];
    const messages = askings.map((asking) => `context.call(${asking}).then(() => 'done', ({ message }) => message)`);
    const big = `context.call('POST', '/a', { n: 1n }).catch(({ message }) => message)`;
    const { type, calls } = await calling(`return Promise.all([${messages.join()}, ${big}]);`, () => ({
      status: 200,
      body: null,
    }));
    const below = 'call: the path must begin with / and is below /api/v1, such as /products?limit=10';
    expect(await run(type)).toEqual([
      'call: no such method as TRACE',
      ...askings.slice(1).map(() => below),
      expect.stringMatching(/^"n" of the body of a call is a BigInt/),
    ]);
    expect(calls).toEqual([]);
  });
});

describe('a file', () => {
  it('is written piece by piece', async () => {
    const type = await typeThat(`
      const pieces = async function* () { yield 'sku;units\\n'; yield Buffer.from('MUG;5\\n'); };
      return [
        await context.writeFile({ name: 'stock.csv', mediaType: 'text/csv' }, pieces()),
        await context.writeFile({ name: 'note.txt', mediaType: 'text/plain' }, 'hällo'),
      ];`);
    const context = contextOf();
    expect(await run(type, context)).toEqual([
      { name: 'stock.csv', mediaType: 'text/csv', size: 16 },
      { name: 'note.txt', mediaType: 'text/plain', size: 6 },
    ]);
    expect(context.textOf('stock.csv')).toBe('sku;units\nMUG;5\n');
    expect(context.textOf('note.txt')).toBe('hällo');
  });

  it('is asked for no faster than it is taken', async () => {
    const type = await typeThat(`
      let made = 0;
      const pieces = function* () { for (;;) { made += 1; yield 'x'; } };
      await context.writeFile({ name: 'endless', mediaType: 'text/plain' }, pieces()).catch(() => undefined);
      return made;`);
    const context = contextOf();
    Object.assign(context, {
      writeFile: async (_file: unknown, content: AsyncIterable<Uint8Array>) => {
        let taken = 0;
        for await (const _piece of content) {
          taken += 1;
          if (taken === 3) throw new Error('enough');
        }
      },
    });
    expect(await run(type, context)).toBe(3);
  });

  it('that cannot be made fails', async () => {
    const type = await typeThat(`
      const pieces = function* () { yield 'a'; throw new Error('no more'); };
      await context.writeFile({ name: 'a', mediaType: 'text/plain' }, pieces());`);
    await expect(run(type)).rejects.toThrow('no more');
    const wrong = await typeThat(`await context.writeFile({ name: 'a', mediaType: 'text/plain' }, [1]);`);
    await expect(run(wrong)).rejects.toThrow('a piece of a file is text or bytes');
  });
});
