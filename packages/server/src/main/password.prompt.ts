import type { ReadStream } from 'node:tty';
import { CommandRefused, EXIT } from './command.line.ts';

/** What the terminal sends for keys, in raw mode. */
const ENTER = new Set(['\r', '\n']);
const BACKSPACE = new Set(['\u007f', '\b']);
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';

type Input = Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'setEncoding' | 'resume' | 'pause'>;
type Output = { write(text: string): unknown };

/**
 * A new password: asked for twice at a terminal, which does not show it, or the first line of what is piped in. Never an
 * argument: those stand in the list of processes and in the shell's history.
 *
 * @throws CommandRefused, and the reason of the signal
 */
export async function askNewPassword(input: Input, output: Output, signal?: AbortSignal): Promise<string> {
  input.setEncoding('utf8');
  if (!input.isTTY) {
    const password = await firstLine(input, signal);
    if (password === '') throw new CommandRefused('No password was piped in: send it as one line.', EXIT.usage);
    return password;
  }
  const password = await askHidden('Password: ', input, output, signal);
  if ((await askHidden('Once more: ', input, output, signal)) !== password) {
    throw new CommandRefused('The two are not the same: nothing was done.');
  }
  return password;
}

/** @throws CommandRefused on Ctrl-C */
async function askHidden(question: string, input: Input, output: Output, signal?: AbortSignal): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  const typed: string[] = [];
  const isDone = (character: string): boolean => {
    if (character === CTRL_C) throw new CommandRefused('Nothing was done.');
    if (ENTER.has(character) || character === CTRL_D) return true;
    if (BACKSPACE.has(character)) typed.pop();
    else if (character === CTRL_U) typed.length = 0;
    else typed.push(character);
    return false;
  };
  try {
    await readUntil(input, (text) => Array.from(text).some(isDone), signal);
  } finally {
    input.setRawMode(false);
    output.write('\n');
  }
  return typed.join('');
}

async function firstLine(input: Input, signal?: AbortSignal): Promise<string> {
  let text = '';
  await readUntil(
    input,
    (more) => {
      text += more;
      return text.includes('\n');
    },
    signal,
  );
  return /^[^\r\n]*/.exec(text)?.[0] ?? '';
}

/** Reads until it is told that this is enough, or there is no more. */
function readUntil(input: Input, isEnough: (text: string) => boolean, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      input.off('data', onData);
      input.off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      input.pause();
    };
    const onAbort = (): void => {
      stop();
      reject(signal?.reason as Error);
    };
    const onEnd = (): void => {
      stop();
      resolve();
    };
    const onData = (text: unknown): void => {
      try {
        if (!isEnough(String(text))) return;
        onEnd();
      } catch (error) {
        stop();
        reject(error instanceof Error ? error : new Error('It could not be read.', { cause: error }));
      }
    };
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener('abort', onAbort);
    input.on('data', onData);
    input.on('end', onEnd);
    input.resume();
  });
}
