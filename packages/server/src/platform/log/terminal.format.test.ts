import { expect, test } from 'vitest';
import { createLogger } from './log.ts';
import { formatForTerminal } from './terminal.format.ts';

function lineOf(write: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  write(createLogger('debug', { write: (line) => void (text += formatForTerminal(line)) }));
  return text.replace(/^\d\d:\d\d:\d\d/, '11:37:07');
}

test('a line is its time, its level, its message and what belongs to it', () => {
  expect(lineOf((log) => log.info({ port: 8080, at: '/data', why: 'two words' }, 'serving'))).toBe(
    '11:37:07 info  serving port=8080 at=/data why="two words"\n',
  );
});

test('an error shows its message; with its stack where it is a defect', () => {
  const error = new Error('it is away');
  expect(lineOf((log) => log.warn({ err: error }, 'lost'))).toBe('11:37:07 warn  lost\n         it is away\n');
  expect(lineOf((log) => log.error({ err: error }, 'lost'))).toContain('         Error: it is away\n             at ');
});

test('what somebody else wrote cannot move the cursor or colour the screen', () => {
  const line = lineOf((log) => log.warn({ from: 'a\u009b2J', err: new Error('no\u001b[31m\rred\nat all') }, 'refused'));
  expect(line).toBe('11:37:07 warn  refused from=a\\x9b2J\n         no\\x1b[31m\\x0dred\n         at all\n');
});

test('what is no line of ours is left as it is', () => {
  expect(formatForTerminal('plain\n')).toBe('plain\n');
});
