import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { askNewPassword } from './password.prompt.ts';

const CTRL_C = '\u0003';
const CTRL_U = '\u0015';
const DELETE = '\u007f';

/** A terminal at which this is typed, each text when it is asked for something. */
function terminal(...typed: string[]) {
  const modes: boolean[] = [];
  const shown: string[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true as const,
    setRawMode(mode: boolean) {
      modes.push(mode);
      return this;
    },
  });
  const write = (text: string): void => {
    shown.push(text);
    const answer = text.endsWith(': ') ? typed.shift() : undefined;
    if (answer !== undefined) setImmediate(() => input.write(answer));
  };
  return { ask: () => askNewPassword(input as never, { write }), modes, shown: () => shown.join('') };
}

function pipe(...chunks: string[]) {
  const input = new PassThrough();
  for (const chunk of chunks) input.write(chunk);
  input.end();
  return () => askNewPassword(Object.assign(input, { isTTY: false }) as never, { write: () => undefined });
}

describe('at a terminal', () => {
  test('it is asked for twice and never shown', async () => {
    const { ask, modes, shown } = terminal('three tired herons\r', 'three tired herons\r');
    expect(await ask()).toBe('three tired herons');
    expect(shown()).toBe('Password: \nOnce more: \n');
    expect(modes).toEqual([true, false, true, false]);
  });

  test('what was typed can be taken back', async () => {
    const { ask } = terminal(`nonsense${CTRL_U}ab🐍${DELETE}c\r`, 'abc\n');
    expect(await ask()).toBe('abc');
  });

  test('two that differ are refused, and so is leaving', async () => {
    await expect(terminal('one\r', 'two\r').ask()).rejects.toThrow('not the same');
    const left = terminal(`hal${CTRL_C}`);
    await expect(left.ask()).rejects.toThrow('Nothing was done');
    expect(left.modes).toEqual([true, false]);
  });
});

describe('piped in', () => {
  test.each([
    [['three tired herons\n'], 'three tired herons'],
    [['three tired herons\r\nand more\n'], 'three tired herons'],
    [['three ', 'tired', ' herons'], 'three tired herons'],
    [[' blanks count '], ' blanks count '],
  ])('%j', async (chunks, password) => {
    expect(await pipe(...chunks)()).toBe(password);
  });

  test('nothing is a mistake', async () => {
    await expect(pipe()()).rejects.toMatchObject({ exitCode: 64 });
    await expect(pipe('\n')()).rejects.toMatchObject({ exitCode: 64 });
  });
});
