import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { makeDirectory } from '../packages/server/test/holdfast.process.ts';
import { given, programPath, root, textOf } from './files.fixture.ts';

const run = promisify(execFile);
const UNITS = ['holdfast', 'holdfast-work'];
const commandOf = (name: string): string => (name === 'holdfast' ? 'serve' : 'work');

/** Of 10; systemd calls up to 2 "OK", and nothing that serves a network gets far below 1. */
const EXPOSURE_MAX = 1.5;

describe.each(UNITS)('the unit %s', (name) => {
  const unit = textOf(`systemd/${name}.service`);
  const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  test('starts the file that the package has, by Node itself', () => {
    const { bin } = JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8')) as {
      bin: { holdfast: string };
    };
    expect(valueOf('ExecStart')).toContain(`/node_modules/holdfast/${bin.holdfast} ${commandOf(name)}`);
    expect(valueOf('ExecStart')).toMatch(/^\/usr\/bin\/node /);
  });

  test('gives it longer to stop than it takes, and starts it again', () => {
    expect(Number(valueOf('TimeoutStopSec'))).toBeGreaterThan(10);
    expect(valueOf('Restart')).toBe('always');
    expect(valueOf('KillMode')).toBe('mixed');
  });

  test('lets it write to its own directory alone', () => {
    expect(valueOf('ProtectSystem')).toBe('strict');
    expect(unit).not.toMatch(/^ReadWritePaths=/m);
    expect(valueOf('Environment')).toContain(`HOLDFAST_DATA=/var/lib/${valueOf('StateDirectory')}/`);
    // V8 makes machine code: it would not start.
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m);
  });

  test.skipIf(programPath('systemd-analyze') === null)(
    `is one to systemd, and a safe one${given('systemd-analyze')}`,
    async () => {
      const directory = await makeDirectory();
      const file = join(directory.path, `${name}.service`);
      // The machine of the tests may have its Node elsewhere, also below a folder with a blank in its name.
      await writeFile(file, unit.replace('/usr/bin/node', `"${process.execPath}"`));
      const analyze = programPath('systemd-analyze') ?? '';
      const { stderr } = await run(analyze, ['verify', file]);
      expect(stderr.split('\n').filter((line) => line.includes(`${name}.service`))).toEqual([]);
      const { stdout } = await run(analyze, ['security', '--offline=true', '--no-pager', file]);
      const [, exposure = ''] =
        new RegExp(String.raw`Overall exposure level for ${name}\.service: ([\d.]+)`).exec(stdout) ?? [];
      expect(Number(exposure)).toBeGreaterThan(0);
      expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_MAX);
      await directory.remove();
    },
  );
});

test('what both units are asked to be safe by is the same', () => {
  const safetyOf = (name: string): string =>
    textOf(`systemd/${name}.service`).split('\n# It needs a network,')[1] ?? '';
  expect(safetyOf('holdfast')).toContain('SystemCallFilter=');
  expect(safetyOf('holdfast-work')).toBe(safetyOf('holdfast'));
});
