import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Database } from '../database/index.ts';
import { PermanentError, type LogLevel } from './job.type.ts';
import { fixtureRun, type FixtureRun } from './run.context.fixture.ts';
import { typeDirectory, typeText } from './thread.fixture.ts';
import { loadUserTypes } from './thread.loader.ts';
import { ThreadPool, type ThreadPoolOptions } from './thread.pool.ts';

// Nothing here comes as far as a connection.
const database = new Database({ connection: inject('postgres'), onError: () => undefined });
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const call = (): Promise<never> => Promise.reject(new Error('nothing is called'));
const OPTIONS: ThreadPoolOptions = {
  call,
  memoryMb: 256,
  loadMs: 10_000,
  graceMs: 100,
  idleMs: 30_000,
  idleMax: 4,
};

/** A file whose type does this, and threads for it. */
async function poolFor(run: string, options: Partial<ThreadPoolOptions> = {}, head = '') {
  const directory = await typeDirectory({ 'type.mjs': `${head}\n${typeText('hostile', run)}` });
  const pool = new ThreadPool({ ...OPTIONS, ...options });
  closers.push(
    () => pool.close(),
    () => directory.remove(),
  );
  const file = join(directory.path, 'type.mjs');
  return { pool, file, run: (context = contextOf()) => pool.run(file, context) };
}

const contextOf = (config: object = {}): FixtureRun => fixtureRun<unknown>({ database, config });

/** A context that is aborted as soon as its run logs. */
function abortedByItsLog(reason: Error): FixtureRun {
  const context = contextOf();
  return Object.assign(context, {
    log: (level: LogLevel, message: string) => {
      context.logs.push({ level, message });
      context.abort(reason);
    },
  });
}

describe('a run that does not end', () => {
  it.each([
    ['an endless loop', 'while (true) {}'],
    ['a wait without an end', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'],
    ['a regular expression without an end', String.raw`/^(a+)+$/.test('a'.repeat(60) + '!')`],
    ['a promise that nobody keeps', 'await new Promise(() => undefined)'],
    ['a loop that catches what it is thrown', 'for (;;) try { for (;;) {} } finally { continue }'],
  ])('is stopped when it is aborted: %s', async (_what, text) => {
    const { pool, run } = await poolFor(`context.log('info', 'begun'); ${text};`);
    const reason = new Error('its time is over');
    await expect(run(abortedByItsLog(reason))).rejects.toBe(reason);
    expect(pool.size).toBe(0);
  });

  it('holds nobody up meanwhile', async () => {
    const server = createServer((_request, response) => response.end('served'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo;
    const { run } = await poolFor(`context.log('info', 'begun'); while (true) {}`);
    const context = contextOf();
    const ended = run(context);
    await expect.poll(() => context.logs).toHaveLength(1);
    for (let count = 0; count < 20; count += 1) {
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('served');
    }
    context.abort(new Error('enough'));
    await expect(ended).rejects.toThrow('enough');
  });

  it('is left its grace, and ends by itself where it heeds the signal', async () => {
    const { run } = await poolFor(
      `context.log('info', 'begun');
       const { reason } = await new Promise((resolve) =>
         context.signal.addEventListener('abort', () => resolve(context.signal)));
       context.log('info', reason.name + ': ' + reason.message);
       await context.call('POST', '/late').catch(({ message }) => context.log('info', 'not asked: ' + message));
       return 'a result all the same';`,
      { graceMs: 60_000 },
    );
    const reason = new Error('cancelled');
    reason.name = 'RunLostError';
    const context = abortedByItsLog(reason);
    await expect(run(context)).rejects.toBe(reason);
    expect(context.logs.slice(1).map(({ message }) => message)).toEqual([
      'RunLostError: cancelled',
      'not asked: cancelled',
    ]);
  });

  it('is not begun where it was aborted before', async () => {
    const { pool, run } = await poolFor('return 1');
    const context = contextOf();
    context.abort(new Error('too late'));
    await expect(run(context)).rejects.toThrow('too late');
    expect(pool.size).toBe(0);
  });

  it('ends when the server does', async () => {
    const { pool, run } = await poolFor(`context.log('info', 'begun'); while (true) {}`);
    const context = contextOf();
    const ended = run(context).catch((error: unknown) => error);
    await expect.poll(() => context.logs).toHaveLength(1);
    await pool.close();
    expect(await ended).toMatchObject({ message: 'it was stopped' });
    await expect(run()).rejects.toThrow('the server is stopping');
  });
});

describe('a thread that dies', () => {
  it.each([
    ['process.exit(3)', 'it ended its thread by process.exit(3)'],
    [
      `setTimeout(() => { throw new Error('loose') }, 1); await new Promise(() => undefined)`,
      'it threw where nobody catches it: loose',
    ],
    [
      `Promise.reject(new Error('unheard')); await new Promise(() => undefined)`,
      'it threw where nobody catches it: unheard',
    ],
    [
      `queueMicrotask(() => { throw null }); await new Promise(() => undefined)`,
      'it threw null where nobody catches it',
    ],
    [
      `const all = []; for (;;) all.push(new Array(1000).fill({}).map(() => ({ a: Math.random() })))`,
      'it used more than its 64 MiB',
    ],
    [
      `const all = new Map(); for (let n = 0; ; n += 1) all.set(n, String(n).repeat(100).split('1'))`,
      'it used more than its 64 MiB',
    ],
    [
      `await import('node:worker_threads').then(({ parentPort }) => parentPort.close()); await new Promise(() => undefined)`,
      'it ended its thread by process.exit(0)',
    ],
  ])('fails its run alone: %s', async (text, message) => {
    const { pool, run } = await poolFor(text, { memoryMb: 64 });
    const error: unknown = await run().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(pool.size).toBe(0);
  });

  it.each([
    `{ kind: 'done', run: 1, result: '{' }`,
    `{ kind: 'nonsense' }`,
    `{ kind: 'call', run: 1, id: 1 }`,
    `null`,
    `'text'`,
  ])('by its own words harms nobody: %s', async (message) => {
    const { run } = await poolFor(
      `const { parentPort } = await import('node:worker_threads');
       parentPort.postMessage(${message});
       await new Promise((resolve) => setTimeout(resolve, 50));
       return 'done';`,
    );
    const outcome: unknown = await run().catch((error: unknown) => error);
    expect(outcome === 'done' || outcome instanceof Error).toBe(true);
  });

  it.each([
    ['dies', 'process.exit(3)', 'it ended its thread by process.exit(3)'],
    ['is done', `resolve('done')`, 'done'],
  ])('leaves nobody waiting for the rest of a file: one that %s', async (_what, text, outcome) => {
    const { run } = await poolFor(`
      return new Promise((resolve) => {
        const pieces = async function* () { yield 'a piece'; ${text}; await new Promise(() => undefined); };
        context.writeFile({ name: 'a', mediaType: 'text/plain' }, pieces());
      });`);
    const context = contextOf();
    const taken: string[] = [];
    const writeFile = async (_file: unknown, content: AsyncIterable<Uint8Array>): Promise<void> => {
      try {
        for await (const piece of content) taken.push(Buffer.from(piece).toString());
      } catch (error) {
        taken.push(String(error));
      }
    };
    const ended = run(Object.assign(context, { writeFile }));
    expect(await ended.catch(({ message }: Error) => message)).toBe(outcome);
    await expect.poll(() => taken).toEqual(['a piece', 'Error: the run is over']);
  });

  it('takes what it threw along, and where', async () => {
    const { run } = await poolFor(`const { missing } = null;`);
    const context = contextOf();
    await expect(run(context)).rejects.toThrow("Cannot destructure property 'missing' of 'null' as it is null.");
    expect(context.logs[0]?.message).toMatch(/^TypeError: Cannot destructure/);
    expect(context.logs[1]?.message).toMatch(/at Object\.run .*type\.mjs:\d+/);
    expect(context.logs.every(({ level }) => level === 'error')).toBe(true);
  });

  it.each([
    [`throw 'text'`, 'it threw text', false],
    [`throw undefined`, 'it threw undefined', false],
    [`throw new context.PermanentError('never')`, 'never', true],
  ])('not, when its run throws: %s', async (text, message, isPermanent) => {
    const { pool, run } = await poolFor(text);
    const error: unknown = await run().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message });
    expect(error instanceof PermanentError).toBe(isPermanent);
    expect(pool.size).toBe(1);
  });
});

describe('threads', () => {
  const COUNTS = 'let runs = 0;';
  const COUNTING = 'runs += 1; return runs;';

  it('are used again by the next run of their file', async () => {
    const { pool, file, run } = await poolFor(COUNTING, {}, COUNTS);
    await pool.describe(file);
    expect([await run(), await run(), await run()]).toEqual([1, 2, 3]);
    expect(pool.size).toBe(1);
  });

  it('do one run at a time', async () => {
    const { pool, run } = await poolFor(
      `await new Promise((resolve) => setTimeout(resolve, 20)); ${COUNTING}`,
      {},
      COUNTS,
    );
    expect(await run()).toBe(1);
    // One goes to the thread that waits, and the others to threads of their own.
    expect(await Promise.all([run(), run(), run()])).toEqual([2, 1, 1]);
    expect(pool.size).toBe(3);
  });

  it('wait in a bounded number', async () => {
    const { pool, run } = await poolFor(`await new Promise((resolve) => setTimeout(resolve, 20));`, { idleMax: 2 });
    await Promise.all([run(), run(), run(), run()]);
    await expect.poll(() => pool.size).toBe(2);
  });

  it('wait for a bounded time', async () => {
    const { pool, run } = await poolFor(`await new Promise((resolve) => setTimeout(resolve, 40));`, { idleMs: 20 });
    await run();
    // The time that it would have waited is over while it is at work again.
    await run();
    await expect.poll(() => pool.size).toBe(0);
  });

  it('keep what a run left behind out of the next one', async () => {
    const { run } = await poolFor(
      `const name = context.config.sku;
       context.log('info', name);
       late?.();
       late = () => {
         context.log('info', name + ' is late');
         context.progress(99);
         console.log(name + ' prints');
         context.call('POST', '/late').catch(() => undefined);
       };`,
      {},
      'let late;',
    );
    const [first, second] = [contextOf({ sku: 'a' }), contextOf({ sku: 'b' })];
    await run(first);
    await run(second);
    expect(first.logs.map(({ message }) => message)).toEqual(['a']);
    // What is printed belongs to whichever run the thread is at.
    expect(second.logs.map(({ message }) => message)).toEqual(['b', 'a prints']);
    expect([...first.progressed, ...second.progressed]).toEqual([]);
  });
});

describe('a file that cannot be used', () => {
  it('is refused with the reason, and stops no other', async () => {
    const bad: [what: string, text: string, reason: RegExp][] = [
      ['syntax', 'export default {', /Unexpected end of input/],
      ['no default', 'export const a = 1', /no default export/],
      ['no object', 'export default 1', /no default export that is an object/],
      ['no run', typeText('a', '').replace('async run(context)', 'async go(context)'), /no function run/],
      ['throws', `throw new Error('not today')`, /^not today$/],
      ['exits', 'process.exit(0)', /process\.exit\(0\)/],
      ['missing import', `import 'holdfast-has-no-such-package'`, /Cannot find package/],
      ['a name of its own', typeText('Bad-Name', ''), /^name must be 1 to 63/],
      ['a member too many', typeText('a', '', 'timeout: 5,'), /^timeout is not a member of a type$/],
      ['no title', typeText('a', '').replace("title: 'Test',", ''), /^title is required$/],
      ['a bound', typeText('a', '', 'concurrency: 0,'), /^concurrency must be at least 1$/],
      ['no schema', typeText('a', '').replace("type: 'string'", "type: 'strong'"), /^config is no schema: /],
      [
        'an unknown keyword',
        typeText('a', '').replace("type: 'string'", "typ: 'string'"),
        /^config is no schema: .*unknown keyword/,
      ],
      [
        'an open config',
        typeText('a', '').replace("type: 'object',", "type: 'object', additionalProperties: true,"),
        /additionalProperties/,
      ],
      [
        'a config of text',
        typeText('a', '').replace("type: 'object'", "type: 'string'"),
        /must be a JSON Schema of the type object/,
      ],
      [
        'no description',
        typeText('a', '').replace(", description: 'A product.'", ''),
        /^config\.properties\/sku has no description$/,
      ],
      [
        'a schema that answers later',
        typeText('a', '').replace("type: 'object'", "$async: true, type: 'object'"),
        /\$async/,
      ],
      [
        'a cycle',
        `${typeText('a', '').replace('export default', 'const type =')} type.config.properties.sku.of = type; export default type;`,
        /circular/,
      ],
      ['a BigInt', typeText('a', '').replace("type: 'string'", "minLength: 1n, type: 'string'"), /BigInt/],
    ];
    const files = bad.map(([what, text]) => [`${what}.mjs`, text] as const);
    const directory = await typeDirectory({ ...Object.fromEntries(files), 'good.mjs': typeText('good', 'return 1') });
    const { types, refused, close } = await loadUserTypes(directory.path, { call });
    closers.push(close, () => directory.remove());
    expect(types.map(({ name }) => name)).toEqual(['good']);
    const reasons = bad.map(([what, , reason]) => ({ file: `${what}.mjs`, reason: expect.stringMatching(reason) }));
    expect(refused).toEqual(reasons.toSorted((left, right) => (left.file < right.file ? -1 : 1)));
  });

  it('is given up when it is not loaded in time, and holds nobody up', async () => {
    const directory = await typeDirectory({
      'a.mjs': 'while (true) {}',
      'b.mjs': 'await new Promise(() => setInterval(() => 0, 1000))',
    });
    const { types, refused, close } = await loadUserTypes(directory.path, { call, loadMs: 300 });
    closers.push(close, () => directory.remove());
    expect(types).toEqual([]);
    expect(refused).toEqual([
      { file: 'a.mjs', reason: 'it was not loaded within 0.3 s' },
      { file: 'b.mjs', reason: 'it was not loaded within 0.3 s' },
    ]);
  });

  it('is stopped when it is given up: when its time is over, and when its run is aborted', async () => {
    const { pool, file, run } = await poolFor('', { loadMs: 100 }, 'while (true) {}');
    await expect(pool.describe(file)).rejects.toThrow('it was not loaded within 0.1 s');
    expect(pool.size).toBe(0);
    const context = contextOf();
    const ended = run(context);
    context.abort(new Error('cancelled'));
    await expect(ended).rejects.toThrow('cancelled');
    expect(pool.size).toBe(0);
  });

  it('is one whose name another type has', async () => {
    const directory = await typeDirectory({
      '1.mjs': typeText('mine', 'return 1'),
      '2.mjs': typeText('mine', 'return 2'),
      '3.mjs': typeText('import_stock', 'return 3'),
    });
    const { types, refused, close } = await loadUserTypes(directory.path, { call, taken: ['import_stock'] });
    closers.push(close, () => directory.remove());
    expect(types.map(({ name }) => name)).toEqual(['mine']);
    expect(refused).toEqual([
      { file: '2.mjs', reason: 'there is a type mine already' },
      { file: '3.mjs', reason: 'there is a type import_stock already' },
    ]);
  });

  it('is none where there is no directory: that is a setting gone wrong', async () => {
    await expect(loadUserTypes('/nowhere/at/all', { call })).rejects.toThrow('ENOENT');
  });
});
