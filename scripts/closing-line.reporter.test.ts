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

/** Runs vitest on one test file of this text, and gives the lines that it printed. */
function linesOf(body: string): string[] {
  mkdirSync(join(workspace, '.cache'), { recursive: true });
  const root = mkdtempSync(join(workspace, '.cache', 'closing-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'vitest.config.ts'), CONFIG);
  writeFileSync(join(root, 'one.test.ts'), `import { beforeAll, describe, test } from 'vitest';\n${body}\n`);
  const { stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', root], { encoding: 'utf8' });
  return stdout.trimEnd().split('\n');
}

test.each([
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
  expect(linesOf(body).at(-1)).toBe(line);
});

test('before it is named what passed only when it was tried again', () => {
  const lines = linesOf(
    `let tries = 0; describe('a page', () => { test('opens', { retry: 1 }, () => { if (++tries < 2) throw new Error(); }); }); ${PASSES}`,
  );
  expect(lines.slice(-2)).toEqual(['passed only when tried again: a page > opens', '2 passed, 0 failed']);
});
