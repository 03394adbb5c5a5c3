import type { RunContext } from './job.type.ts';
import { Thread } from './thread.handle.ts';
import { runInThread, type CallApi } from './thread.run.ts';

export interface ThreadPoolOptions {
  call: CallApi;
  /** What the heap of each thread may hold. */
  memoryMb: number;
  /** How long a file may take to be loaded. */
  loadMs: number;
  /** How long a run that was aborted may go on by itself. */
  graceMs: number;
  /** How long a thread waits for the next run of its file. */
  idleMs: number;
  /** How many may wait, of all files together. */
  idleMax: number;
}

/** Threads of users' files. Each does one run at a time; how many run at once is up to whoever starts runs. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  /** The one that waits longest first. */
  readonly #idle = new Map<Thread, NodeJS.Timeout>();
  readonly #all = new Set<Thread>();
  #runs = 0;
  #isClosed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** How many threads there are. */
  get size(): number {
    return this.#all.size;
  }

  /** What the file says of its type, as JSON. @throws Error why it cannot be loaded */
  async describe(file: string): Promise<string> {
    const thread = this.#start(file);
    const description = await this.#loaded(thread, new AbortController().signal);
    this.#giveBack(thread);
    return description;
  }

  async run(file: string, context: RunContext): Promise<unknown> {
    context.signal.throwIfAborted();
    const thread = this.#takeIdle(file) ?? (await this.#startAndLoad(file, context.signal));
    this.#runs += 1;
    try {
      return await runInThread(thread, this.#runs, context, this.#options);
    } finally {
      // What an aborted run left behind may still be at work.
      if (context.signal.aborted) await thread.stop();
      else this.#giveBack(thread);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await Promise.all([...this.#all].map((thread) => thread.stop()));
  }

  async #startAndLoad(file: string, signal: AbortSignal): Promise<Thread> {
    const thread = this.#start(file);
    await this.#loaded(thread, signal);
    return thread;
  }

  #start(file: string): Thread {
    if (this.#isClosed) throw new Error('the server is stopping');
    const thread = new Thread({ file, memoryMb: this.#options.memoryMb });
    this.#all.add(thread);
    void thread.ended.then(() => {
      this.#all.delete(thread);
      clearTimeout(this.#idle.get(thread));
      this.#idle.delete(thread);
    });
    return thread;
  }

  /** @throws Error why it could not be loaded; the reason of the signal */
  async #loaded(thread: Thread, signal: AbortSignal): Promise<string> {
    const { loadMs } = this.#options;
    const within = AbortSignal.any([signal, AbortSignal.timeout(loadMs)]);
    try {
      return await Promise.race([thread.loaded, rejection(within)]);
    } catch (error) {
      await thread.stop();
      signal.throwIfAborted();
      throw within.aborted ? new Error(`it was not loaded within ${loadMs / 1_000} s`) : error;
    }
  }

  #takeIdle(file: string): Thread | undefined {
    const thread = [...this.#idle.keys()].findLast((waiting) => waiting.file === file && waiting.isAlive);
    if (thread === undefined) return undefined;
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
    thread.wake();
    return thread;
  }

  #giveBack(thread: Thread): void {
    if (!thread.isAlive || this.#isClosed) return;
    thread.rest();
    this.#idle.set(thread, setTimeout(() => this.#dismiss(thread), this.#options.idleMs).unref());
    const [longest] = this.#idle.keys();
    if (this.#idle.size > this.#options.idleMax && longest !== undefined) this.#dismiss(longest);
  }

  #dismiss(thread: Thread): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
    void thread.stop();
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}
