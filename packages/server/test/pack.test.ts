import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from './holdfast.process.ts';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const INSTALL_TIMEOUT_MS = 300_000;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

const run = promisify(execFile);

interface PackedFile {
  path: string;
  mode: number;
}

interface Packed {
  name: string;
  version: string;
  filename: string;
  files: PackedFile[];
}

/** As on a user's machine: without the workspace's Node on the PATH, and without the settings of the npm that runs us. */
function userEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_)/.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.endsWith('node_modules/.bin'));
  return { ...Object.fromEntries(own), PATH: path.join(delimiter) };
}

async function runAsUser(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    return (await run(command, args, { cwd, env: userEnvironment(), maxBuffer: OUTPUT_MAX_BYTES })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** The address in the one line that says that it serves. */
async function readAddress(output: Readable): Promise<string> {
  let text = '';
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const address = /(http:\/\/[^\s"'/]+)[^\n]*\n/.exec(text)?.[1];
    if (address === undefined) continue;
    // What it says later is let go, not refused: a closed pipe would end it.
    output.resume();
    return address;
  }
  throw new Error(`it ended without serving, and said: ${text}`);
}

/** npm 11 lists what it packed; npm 12 keys the list by package. */
function readPacked(json: string): Packed[] {
  return Object.values(JSON.parse(json) as Packed[] | Record<string, Packed>);
}

async function installTarballs(folder: string, packed: Packed[]): Promise<void> {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-shop', private: true }));
  const tarballs = packed.map(({ filename }) => `./${filename}`);
  try {
    await runAsUser(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs);
  } catch (error) {
    throw new Error('npm could not install the tarballs; without its registry this suite cannot pass', {
      cause: error,
    });
  }
}

const GREETING_TYPE = `export default {
  name: 'greet',
  title: 'Greet',
  description: 'Says hello.',
  config: { type: 'object', properties: { name: { type: 'string', description: 'To whom.' } }, required: ['name'] },
  run: (context) => 'Hello, ' + context.config.name,
};`;

const README_LEAVES_OUT = `
declare const process: { env: Record<string, string | undefined> };
declare const baseUrl: string;
declare const key: string;
declare function lastPosition(): Promise<number>;
declare function keepPosition(position: number): Promise<void>;
`;

/** Makes a job, runs it, and waits for its end. */
async function resultOfJob(address: string, type: string, config: object): Promise<unknown> {
  const ask = async (path: string, body?: object): Promise<{ id: string; status: string; result: unknown }> => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${address}/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as { id: string; status: string; result: unknown };
  };
  const job = await ask('/jobs', { name: type, type, config });
  const { id } = await ask(`/jobs/${job.id}/run`, {});
  await until('the end of the run', async () => !['queued', 'running'].includes((await ask(`/runs/${id}`)).status));
  return (await ask(`/runs/${id}`)).result;
}

describe('the published packages', () => {
  let folder: string;
  let packed: Packed[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast pack '));
    // Run by root, PostgreSQL works as another user, who must be able to enter.
    chmodSync(folder, 0o755);
    // npm's prepack builds them; its own output goes to stderr.
    const workspaces = ['-w', 'packages/server', '-w', 'packages/client'];
    packed = readPacked(
      await runAsUser(workspace, 'npm', 'pack', ...workspaces, '--json', '--silent', '--pack-destination', folder),
    );
    await installTarballs(folder, packed);
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const filesOf = (name: string): PackedFile[] => packed.find((item) => item.name === name)?.files ?? [];

  test('the server holds its build, migrations, OpenAPI document, README and licence, and nothing of its sources', () => {
    const paths = filesOf('holdfast').map((file) => file.path);
    expect(paths).toEqual(expect.arrayContaining(['dist/main/cli.js', 'openapi.json', 'README.md', 'LICENSE']));
    expect(paths).toEqual(expect.arrayContaining(['dist/dashboard/index.html', 'dist/dashboard/licenses.md']));
    expect(paths.some((path) => /^migrations\/\d+_.*\.sql$/.test(path))).toBe(true);
    expect(paths.filter((path) => /(\.ts|\.test\.js)$/.test(path))).toEqual([]);
    expect(filesOf('holdfast').find((file) => file.path === 'dist/main/cli.js')?.mode).toBe(0o755);
  });

  test('the client holds its build and its types', () => {
    const paths = filesOf('@holdfast/client').map((file) => file.path);
    expect(paths).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'README.md', 'LICENSE']));
    expect(paths.filter((path) => /(^src\/|\.test\.)/.test(path))).toEqual([]);
  });

  test("the command runs under the machine's own Node and tells its version", async () => {
    const { version } = JSON.parse(readFileSync(join(workspace, 'packages/server/package.json'), 'utf8')) as Packed;
    expect((await runAsUser(folder, 'npx', '--no-install', 'holdfast', '--version')).trim()).toBe(version);
  });

  test('the command serves from a folder that holds nothing else, and leaves when it is told to', async () => {
    const command = join(folder, 'node_modules/.bin/holdfast');
    const types = join(folder, 'types');
    mkdirSync(types);
    writeFileSync(join(types, 'greet.mjs'), GREETING_TYPE);
    const server = spawn(command, ['serve', '--port', '0', '--job-types', types], {
      cwd: folder,
      env: userEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    try {
      const address = await readAddress(server.stdout);
      expect((await fetch(`${address}/health/ready`)).status).toBe(200);
      expect((await fetch(`${address}/openapi.json`)).status).toBe(200);
      expect(await (await fetch(`${address}/inventory`)).text()).toContain('<div id="root">');
      expect(await resultOfJob(address, 'greet', { name: 'Ada' })).toBe('Hello, Ada');
    } finally {
      server.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  test('the client is imported by its name', async () => {
    const script = "import('@holdfast/client').then((client) => console.log(Object.keys(client).length > 0))";
    expect((await runAsUser(folder, 'node', '-e', script)).trim()).toBe('true');
  });

  test("what the client's README shows compiles against its types, strictly", async () => {
    const readme = readFileSync(join(folder, 'node_modules/@holdfast/client/README.md'), 'utf8');
    const shown = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
    expect(shown).toHaveLength(3);
    writeFileSync(join(folder, 'shop.mts'), [README_LEAVES_OUT, ...shown].join('\n'));
    const tsc = join(workspace, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--exactOptionalPropertyTypes'];
    const options = [...strict, '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,dom'];
    expect(await runAsUser(folder, 'node', tsc, ...options, 'shop.mts')).toBe('');
  });
});
