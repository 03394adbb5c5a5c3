import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const setup = fileURLToPath(new URL('setup.mjs', import.meta.url));

/** Stands in for npm: writes down how it was called, then what npm would leave behind, or fails as npm would. */
const FAKE_NPM = `
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
appendFileSync('calls', process.argv[2] + '\\n');
const failure = process.env.FAKE_NPM_FAILS ?? '';
if (failure.startsWith(process.argv[2])) {
  console.error('npm error code ' + failure.split(' ')[1]);
  process.exit(1);
}
if (process.argv[2] === 'ci') rmSync('node_modules', { recursive: true, force: true });
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const path of Object.keys(packages)) if (path) mkdirSync(path, { recursive: true });
setTimeout(() => writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages })), 300);
`;

interface Result {
  code: number | null;
  stderr: string;
}

class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast setup '));

  constructor() {
    mkdirSync(join(this.folder, 'scripts'));
    copyFileSync(setup, join(this.folder, 'scripts/setup.mjs'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(this.folder, 'npm-cli.js'), FAKE_NPM);
    this.lock('1.0.0');
    onTestFinished(() => rmSync(this.folder, { recursive: true }));
  }

  lock(version: string): string {
    const text = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version } } });
    writeFileSync(join(this.folder, 'package-lock.json'), text);
    return text;
  }

  /** What npm was called for, in order. */
  get calls(): string[] {
    const path = join(this.folder, 'calls');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  get isGuarded(): boolean {
    return existsSync(join(this.folder, '.cache/setup.lock'));
  }

  async setup(env: NodeJS.ProcessEnv = {}): Promise<Result> {
    const npm = { npm_execpath: join(this.folder, 'npm-cli.js'), npm_node_execpath: process.execPath, CI: '' };
    const child = spawn(process.execPath, ['scripts/setup.mjs'], {
      cwd: this.folder,
      env: { ...process.env, ...npm, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
  }
}

test('a fresh clone is installed once, and again when the lock file changes', async () => {
  const workspace = new Workspace();
  expect((await workspace.setup()).code).toBe(0);
  expect((await workspace.setup()).stderr).toBe('');
  expect(workspace.calls).toEqual(['ci']);

  workspace.lock('2.0.0');
  expect((await workspace.setup()).code).toBe(0);
  expect(workspace.calls).toEqual(['ci', 'ci']);
});

test('two at once install once', async () => {
  const workspace = new Workspace();
  const results = await Promise.all([workspace.setup(), workspace.setup(), workspace.setup()]);
  expect(results.map((result) => result.code)).toEqual([0, 0, 0]);
  expect(workspace.calls).toEqual(['ci']);
  expect(workspace.isGuarded).toBe(false);
});

test('the guard of a setup that was killed is taken over', async () => {
  const workspace = new Workspace();
  mkdirSync(join(workspace.folder, '.cache'));
  const noSuchProcess = 2 ** 22 + 1;
  writeFileSync(join(workspace.folder, '.cache/setup.lock'), `${noSuchProcess} ${hostname()}`);
  const results = await Promise.all([workspace.setup(), workspace.setup()]);
  expect(results.map((result) => result.code)).toEqual([0, 0]);
  expect(workspace.calls).toEqual(['ci']);
});

test("a developer's own npm install is accepted", async () => {
  const workspace = new Workspace();
  await workspace.setup();
  const text = workspace.lock('2.0.0');
  writeFileSync(join(workspace.folder, 'node_modules/.package-lock.json'), text);
  expect(await workspace.setup()).toEqual({ code: 0, stderr: '' });
  expect(workspace.calls).toEqual(['ci']);
});

test('a package that was deleted by hand is seen when the stamp is gone', async () => {
  const workspace = new Workspace();
  await workspace.setup();
  rmSync(join(workspace.folder, 'node_modules/a'), { recursive: true });
  rmSync(join(workspace.folder, 'node_modules/.holdfast-setup'));
  await workspace.setup();
  expect(workspace.calls).toEqual(['ci', 'ci']);
});

test('a lock file that npm ci refuses falls to npm install, except in CI', async () => {
  const workspace = new Workspace();
  const inCi = await workspace.setup({ FAKE_NPM_FAILS: 'ci EUSAGE', CI: 'true' });
  expect(inCi.code).toBe(1);
  expect((await workspace.setup({ FAKE_NPM_FAILS: 'ci EUSAGE' })).code).toBe(0);
  expect(workspace.calls).toEqual(['ci', 'ci', 'install']);
});

test('without a network it says so, and tries nothing else', async () => {
  const workspace = new Workspace();
  const { code, stderr } = await workspace.setup({ FAKE_NPM_FAILS: 'ci ENOTFOUND' });
  expect(code).toBe(1);
  expect(stderr).toContain('npm cannot reach its registry');
  expect(workspace.calls).toEqual(['ci']);
  expect(workspace.isGuarded).toBe(false);
});
