import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(workspace, 'node_modules/vitest/vitest.mjs');

const CONFIG = `
import { ClosingLine } from '../../scripts/closing-line.reporter.ts';
export default { test: { reporters: ['default', new ClosingLine()] } };
`;
const PASSES = "test('passes', () => {});";

/** Runs vitest on one test file of this text, and gives the last line of what it printed. */
function lastLineOf(body: string): string | undefined {
  mkdirSync(join(workspace, '.cache'), { recursive: true });
  const root = mkdtempSync(join(workspace, '.cache', 'closing-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'vitest.config.ts'), CONFIG);
  writeFileSync(join(root, 'one.test.ts'), `import { beforeAll, describe, test } from 'vitest';\n${body}\n`);
  const { stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', root], { encoding: 'utf8' });
  return stdout.trimEnd().split('\n').at(-1);
}

test.each([
  ['a pass', PASSES, '1 passed, 0 failed'],
  [
    'a pass, a failure and a skip',
    `${PASSES} test('fails', () => { throw new Error(); }); test('skips', (t) => t.skip());`,
    '1 passed, 1 failed, 1 skipped',
  ],
  [
    'a hook that throws',
    `${PASSES} describe('suite', () => { beforeAll(() => { throw new Error(); }); test('unreached', () => {}); });`,
    '1 passed, 1 failed, 1 skipped',
  ],
  ['a file that does not load', `${PASSES} throw new Error();`, '0 passed, 1 failed'],
  ['a stray rejection', `test('passes', () => { void Promise.reject(new Error()); });`, '1 passed, 1 failed'],
  ['no test at all', '', '0 passed, 1 failed'],
])('%s', (_what, body, line) => {
  expect(lastLineOf(body)).toBe(line);
});
