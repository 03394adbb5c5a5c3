import { expect, test } from 'vitest';
import { createLogger } from './index.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is one JSON object with level, time and message', () => {
  const [line] = logged((log) => log.info({ requestId: 'r1' }, 'served'));
  expect(line).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), requestId: 'r1', msg: 'served' });
});

test('what is below the level is not written', () => {
  expect(logged((log) => log.debug('no'))).toEqual([]);
});

test('secrets are not written, wherever they stand', () => {
  const headers = { authorization: 'Bearer hush', 'x-api-key': 'hush', host: 'localhost' };
  const lines = logged((log) =>
    log.warn({ ...headers, request: { headers }, apiKey: { key: 'hush', name: 'web' } }, 'seen'),
  );
  expect(JSON.stringify(lines)).not.toContain('hush');
  expect(lines[0]).toMatchObject({ request: { headers: { host: 'localhost' } }, apiKey: { name: 'web' } });
});

test('an error keeps its stack and its cause', () => {
  const [line] = logged((log) => log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed'));
  expect(line?.['err']).toMatchObject({ message: 'outer: inner', stack: expect.stringContaining('inner') });
});
