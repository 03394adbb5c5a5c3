import { createHash } from 'node:crypto';
import { PermanentError, type RunContext } from './job.type.ts';
import type { Thread } from './thread.handle.ts';
import type { FromThread, Outcome, Piece, ThreadCall } from './thread.messages.ts';

/** A request to Holdfast's own API, for a run. */
export interface UserCall {
  runId: string;
  jobId: string;
  jobName: string;
  startedBy: string;
  method: string;
  /** Below /api/v1, with its query. */
  path: string;
  /** Parsed JSON; absent: none. */
  body?: unknown;
  /** The same in each attempt of the run; null for a request that changes nothing. */
  idempotencyKey: string | null;
  signal: AbortSignal;
}

export type CallApi = (call: UserCall) => Promise<{ status: number; body: unknown }>;

export interface ThreadRunOptions {
  call: CallApi;
  /** How long a run that was aborted may go on by itself. */
  graceMs: number;
}

/**
 * Runs one attempt in a thread. Resolves with its result; rejects with why it failed, or with the reason of the signal:
 * then the thread may be at work still, and has to be stopped.
 */
export function runInThread(thread: Thread, run: number, context: RunContext, options: ThreadRunOptions) {
  return new RunOfThread(thread, run, context, options).outcome;
}

type Pulled = { resolve: (piece: Piece) => void; reject: (error: Error) => void };

class RunOfThread {
  readonly outcome: Promise<unknown>;
  readonly #thread: Thread;
  readonly #run: number;
  readonly #context: RunContext;
  readonly #options: ThreadRunOptions;
  readonly #pulled = new Map<number, Pulled>();
  /** How often a call was asked that names no key. */
  readonly #asked = new Map<string, number>();
  #settle: { resolve: (result: unknown) => void; reject: (error: unknown) => void } | null = null;
  #grace: NodeJS.Timeout | undefined;

  constructor(thread: Thread, run: number, context: RunContext, options: ThreadRunOptions) {
    this.#thread = thread;
    this.#run = run;
    this.#context = context;
    this.#options = options;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#begin();
    });
  }

  #begin(): void {
    const { runId, jobId, jobName, attempt, startedBy, config, signal } = this.#context;
    this.#thread.listen((message) => this.#take(message));
    void this.#thread.ended.then((reason) => this.#end({ error: new Error(reason) }));
    signal.addEventListener('abort', this.#onAbort);
    const facts = { runId, jobId, jobName, attempt, startedBy, config };
    this.#thread.send({ kind: 'run', run: this.#run, facts });
    if (signal.aborted) this.#onAbort();
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#context.signal.reason;
    const { name, message } = reason instanceof Error ? reason : new Error(String(reason));
    this.#thread.send({ kind: 'abort', run: this.#run, name, message });
    // Whoever gave the thread stops it then.
    this.#grace = setTimeout(() => this.#end({ error: new Error('it was stopped') }), this.#options.graceMs);
  };

  /** What was aborted has no result, however it came to its end. */
  #end(outcome: { result: unknown } | { error: Error }): void {
    if (this.#settle === null) return;
    const { resolve, reject } = this.#settle;
    const { signal } = this.#context;
    this.#settle = null;
    clearTimeout(this.#grace);
    signal.removeEventListener('abort', this.#onAbort);
    for (const { reject: giveUp } of this.#pulled.values()) giveUp(new Error('the run is over'));
    if (signal.aborted) reject(signal.reason);
    else if ('error' in outcome) reject(outcome.error);
    else resolve(outcome.result);
  }

  /** A file may post what it likes to its server: nonsense fails its own run. */
  #take(message: FromThread): void {
    try {
      if (!('run' in message) || message.run === this.#run) this.#heed(message);
    } catch (error) {
      this.#end({ error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #heed(message: FromThread): void {
    const { progress, log } = this.#told();
    if (message.kind === 'progress') progress(message.percent, message.message ?? undefined);
    else if (message.kind === 'log') log(message.level, message.message);
    else if (message.kind === 'call') void this.#answer(message.id, () => this.#call(message.call));
    else if (message.kind === 'file') void this.#answer(message.id, () => this.#writeFile(message));
    else if (message.kind === 'piece') this.#pulled.get(message.id)?.resolve(message.piece);
    else if (message.kind === 'done') this.#end({ result: JSON.parse(message.result) as unknown });
    else if (message.kind === 'failed') this.#end({ error: errorOf(message) });
    else throw new Error('it said nonsense');
  }

  #told(): Pick<RunContext, 'progress' | 'log'> {
    const context = this.#context;
    return {
      progress: (percent, message) => context.progress(percent, message),
      log: (level, message) => context.log(level, message),
    };
  }

  async #answer(id: number, work: () => Promise<unknown>): Promise<void> {
    const outcome = await outcomeOf(work);
    if (this.#settle === null) return;
    try {
      this.#thread.send({ kind: 'answer', run: this.#run, id, outcome });
    } catch (error) {
      this.#end({ error: new Error(`an answer could not be handed over: ${String(error)}`) });
    }
  }

  async #call(call: ThreadCall): Promise<{ status: number; body: unknown }> {
    const { runId, jobId, jobName, startedBy, signal } = this.#context;
    signal.throwIfAborted();
    const { method, path, body } = call;
    const idempotencyKey = method === 'GET' ? null : `${runId}:${this.#nameOf(call)}`;
    const parsed = body === null ? {} : { body: JSON.parse(body) as unknown };
    const { call: ask } = this.#options;
    const answer = await ask({ runId, jobId, jobName, startedBy, method, path, ...parsed, idempotencyKey, signal });
    return { status: answer.status, body: answer.body };
  }

  /** By its key; or by what it asks and how often that was asked before: an attempt that goes the same way meets itself. */
  #nameOf({ method, path, body, key }: ThreadCall): string {
    if (key !== null) return `key:${digestOf(key)}`;
    const digest = digestOf(JSON.stringify([method, path, body]));
    const times = this.#asked.get(digest) ?? 0;
    this.#asked.set(digest, times + 1);
    return `${digest}:${times}`;
  }

  async #writeFile({ id, name, mediaType }: { id: number; name: string; mediaType: string }): Promise<unknown> {
    const { name: kept, size, mediaType: type } = await this.#context.writeFile({ name, mediaType }, this.#pieces(id));
    return { name: kept, mediaType: type, size };
  }

  /** Piece by piece, each when it is wanted: neither side holds a file whole. */
  async *#pieces(id: number): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = await new Promise<Piece>((resolve, reject) => {
        if (this.#settle === null) return reject(new Error('the run is over'));
        this.#pulled.set(id, { resolve, reject });
        this.#thread.send({ kind: 'pull', run: this.#run, id });
      });
      this.#pulled.delete(id);
      if ('error' in piece) throw new Error(piece.error);
      if ('isEnd' in piece) return;
      yield piece.bytes;
    }
  }
}

async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { isGood: true, value: await work() };
  } catch (error) {
    return { isGood: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function errorOf({ message, isPermanent }: { message: string; isPermanent: boolean }): Error {
  return isPermanent ? new PermanentError(message) : new Error(message);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
