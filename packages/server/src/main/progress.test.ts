import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { startProgress } from './progress.ts';

const ESCAPE = '\u001b';

afterEach(() => void vi.unstubAllEnvs());

/** What a command of a moment writes while it tells how far it is. */
function written(stream: { isTTY: boolean }): string {
  const screen = new PassThrough();
  const display = startProgress('import stock', { stream: Object.assign(screen, stream) as never });
  display.update(0.5, '10 rows, 0 refused');
  display.stop();
  return String(screen.read() ?? '');
}

test('a bar is drawn on a terminal that can draw one', () => {
  vi.stubEnv('TERM', 'xterm-256color');
  expect(written({ isTTY: true })).toContain(`${ESCAPE}[`);
});

test('nothing but lines is written where it would not be understood', () => {
  vi.stubEnv('TERM', 'dumb');
  expect(written({ isTTY: true })).toBe('');
  vi.stubEnv('TERM', 'xterm-256color');
  expect(written({ isTTY: false })).toBe('');
});
