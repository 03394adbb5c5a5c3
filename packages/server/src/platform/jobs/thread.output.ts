import type { LogLevel } from './job.type.ts';

const LINES_MAX = 10_000;
const LINE_MAX_LENGTH = 4_000;

/** Where the lines of a run go. */
export type Tell = (level: LogLevel, message: string) => void;

/** The lines of one run, so many at most: a loop that prints for ever fills neither the server nor its database. */
export class RunLines {
  readonly #tell: Tell;
  #count = 0;
  /** What was printed without the end of its line. */
  readonly #begun = { info: '', warn: '' };

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  log(level: LogLevel, message: string): void {
    this.#count += 1;
    if (this.#count > LINES_MAX) return;
    const line = message.length > LINE_MAX_LENGTH ? `${message.slice(0, LINE_MAX_LENGTH)}…` : message;
    this.#tell(level, line.replaceAll('\0', '\ufffd').toWellFormed());
  }

  print(level: 'info' | 'warn', text: string): void {
    const lines = (this.#begun[level] + text).split('\n');
    this.#begun[level] = lines.pop() ?? '';
    for (const line of lines) this.log(level, line.replace(/\r$/, ''));
    if (this.#begun[level].length <= LINE_MAX_LENGTH) return;
    this.log(level, this.#begun[level]);
    this.#begun[level] = '';
  }

  /** The run is over. */
  end(): void {
    for (const level of ['info', 'warn'] as const) {
      if (this.#begun[level] !== '') this.log(level, this.#begun[level]);
    }
    const dropped = this.#count - LINES_MAX;
    if (dropped > 0) this.#tell('warn', `${dropped} further lines were dropped: a run may log ${LINES_MAX}`);
  }
}

/** Whatever is printed from now on becomes lines of the run that is under way; without one it goes nowhere. */
export function takeOutput(current: () => RunLines | null): void {
  const taking = (level: 'info' | 'warn') => (chunk: unknown, encoding?: unknown, callback?: unknown) => {
    current()?.print(level, typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8'));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') queueMicrotask(() => void Reflect.apply(done, undefined, []));
    return true;
  };
  process.stdout.write = taking('info');
  process.stderr.write = taking('warn');
}
