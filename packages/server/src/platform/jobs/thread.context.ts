import { format } from 'node:util';
import { PermanentError, type LogLevel, type RunFile } from './job.type.ts';
import { jsonText } from './thread.json.ts';
import {
  METHODS,
  type FromThread,
  type Outcome,
  type Piece,
  type RunFacts,
  type ThreadCall,
} from './thread.messages.ts';
import { RunLines } from './thread.output.ts';

type Pieces = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** What a user's type is given to work with. Its functions can be taken out of it. */
export interface ThreadContext extends Readonly<RunFacts> {
  /** Aborted when the run is to end. What goes on all the same is stopped two seconds later, wherever it is. */
  readonly signal: AbortSignal;
  /** @param percent 0 to 100; null where nobody can say */
  progress(percent: number | null, message?: string): void;
  log(level: LogLevel, message: string): void;
  /**
   * A request to Holdfast's own API. An attempt that repeats a call of an earlier one changes nothing: it gets the first
   * one's answer.
   *
   * @param path below /api/v1, with its query
   * @param options.key tells calls apart that ask the same, and holds together calls that differ between attempts
   */
  call(
    method: string,
    path: string,
    body?: unknown,
    options?: { key?: string },
  ): Promise<{ status: number; body: unknown }>;
  /** Keeps a file with the run. */
  writeFile(file: { name: string; mediaType: string }, content: string | Uint8Array | Pieces): Promise<RunFile>;
  /** Thrown, it fails the run whatever attempts it has left. */
  readonly PermanentError: typeof PermanentError;
}

const PROGRESS_EVERY_MS = 100;
const CALLS_AT_ONCE = 8;
const BODY_MAX_BYTES = 10_485_760;
const MESSAGE_MAX_LENGTH = 500;

/** One run, within the thread. */
export class ThreadRun {
  readonly run: number;
  readonly lines: RunLines;
  readonly context: ThreadContext;
  readonly #post: (message: FromThread, transfer?: ArrayBuffer[]) => void;
  readonly #controller = new AbortController();
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #sources = new Map<number, Iterator<unknown> | AsyncIterator<unknown>>();
  readonly #callers: (() => void)[] = [];
  #calls = 0;
  #lastId = 0;
  #isOver = false;
  #progress: { percent: number | null; message: string | null } | null = null;
  #toldMs = -Infinity;
  #later: NodeJS.Timeout | undefined;

  constructor(run: number, facts: RunFacts, post: (message: FromThread, transfer?: ArrayBuffer[]) => void) {
    this.run = run;
    this.#post = post;
    this.lines = new RunLines((level, message) => post({ kind: 'log', run, level, message }));
    this.context = {
      ...facts,
      signal: this.#controller.signal,
      progress: (percent, message) => this.#told(percent, message),
      log: (level, message) => this.#log(level, message),
      // What is wrong with it is a rejection, too.
      call: async (method, path, body, options) =>
        this.#call({ ...callOf(method, path, body), key: options?.key ?? null }),
      writeFile: (file, content) => this.#writeFile(file, content),
      PermanentError,
    };
  }

  /** The last word is the caller's. */
  end(): void {
    this.#tellProgress();
    this.lines.end();
    this.#isOver = true;
    this.#waiting.clear();
    this.#sources.clear();
  }

  abort(name: string, message: string): void {
    const reason = new Error(message);
    reason.name = name;
    this.#controller.abort(reason);
  }

  answered(id: number, outcome: Outcome): void {
    this.#waiting.get(id)?.(outcome);
    this.#waiting.delete(id);
  }

  async pulled(id: number): Promise<void> {
    const piece = await this.#nextPiece(id);
    if (this.#isOver) return;
    const transfer = 'bytes' in piece ? [piece.bytes.buffer as ArrayBuffer] : [];
    this.#post({ kind: 'piece', run: this.run, id, piece }, transfer);
  }

  // The compiler has not seen who calls these: what they are given may be anything.

  #log(level: unknown, message: unknown): void {
    if (!this.#isOver) this.lines.log(level === 'warn' || level === 'error' ? level : 'info', format(message));
  }

  #told(percent: unknown, message: unknown): void {
    if (this.#isOver) return;
    const isKnown = typeof percent === 'number' && Number.isFinite(percent);
    this.#progress = {
      percent: isKnown ? Math.min(100, Math.max(0, percent)) : null,
      message: message === undefined ? null : format(message).slice(0, MESSAGE_MAX_LENGTH).toWellFormed(),
    };
    // By the clock, not by a timer alone: a loop that never yields is seen as well.
    if (performance.now() - this.#toldMs >= PROGRESS_EVERY_MS) this.#tellProgress();
    else this.#later ??= setTimeout(() => this.#tellProgress(), PROGRESS_EVERY_MS).unref();
  }

  #tellProgress(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    if (this.#progress === null || this.#isOver) return;
    this.#post({ kind: 'progress', run: this.run, ...this.#progress });
    this.#progress = null;
    this.#toldMs = performance.now();
  }

  async #call(call: ThreadCall): Promise<{ status: number; body: unknown }> {
    if (this.#calls >= CALLS_AT_ONCE) await new Promise<void>((resolve) => this.#callers.push(resolve));
    this.#calls += 1;
    try {
      const id = this.#nextId();
      return (await this.#asked(id, { kind: 'call', run: this.run, id, call })) as { status: number; body: unknown };
    } finally {
      this.#calls -= 1;
      this.#callers.shift()?.();
    }
  }

  async #writeFile(
    { name, mediaType }: { name: unknown; mediaType: unknown },
    content: string | Uint8Array | Pieces,
  ): Promise<RunFile> {
    const id = this.#nextId();
    this.#sources.set(id, iteratorOf(content));
    try {
      const { run } = this;
      return (await this.#asked(id, {
        kind: 'file',
        run,
        id,
        name: String(name),
        mediaType: String(mediaType),
      })) as RunFile;
    } finally {
      this.#sources.delete(id);
    }
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #asked(id: number, message: FromThread): Promise<unknown> {
    if (this.#isOver) return Promise.reject(new Error('the run is over'));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (outcome) => {
        if (outcome.isGood) resolve(outcome.value);
        else reject(new Error(outcome.message));
      });
      this.#post(message);
    });
  }

  async #nextPiece(id: number): Promise<Piece> {
    try {
      const next = await this.#sources.get(id)?.next();
      if (next === undefined || next.done === true) return { isEnd: true };
      return { bytes: bytesOf(next.value) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }
}

function callOf(method: unknown, path: unknown, body: unknown): Omit<ThreadCall, 'key'> {
  const verb = String(method).toUpperCase();
  if (!METHODS.some((known) => known === verb)) throw new TypeError(`call: no such method as ${verb}`);
  if (
    typeof path !== 'string' ||
    !/^\/(?!\/)[\x21-\x7e]*$/.test(path) ||
    /[\\#]|(?:^|\/)\.{1,2}(?:[/?]|$)/.test(path)
  ) {
    throw new TypeError('call: the path must begin with / and is below /api/v1, such as /products?limit=10');
  }
  return { method: verb, path, body: body === undefined ? null : jsonText(body, 'the body of a call', BODY_MAX_BYTES) };
}

function iteratorOf(content: string | Uint8Array | Pieces): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof content === 'string' || content instanceof Uint8Array) return [content].values();
  if (Symbol.asyncIterator in content) return content[Symbol.asyncIterator]();
  return content[Symbol.iterator]();
}

/** A copy of its own, since it is handed over: the caller may use its buffer again. */
function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === 'string') return new TextEncoder().encode(piece);
  if (piece instanceof Uint8Array) return Uint8Array.from(piece);
  throw new TypeError('writeFile: a piece of a file is text or bytes');
}
