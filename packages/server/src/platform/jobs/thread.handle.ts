import { Worker } from 'node:worker_threads';
import type { FromThread, ToThread } from './thread.messages.ts';

export interface ThreadOptions {
  file: string;
  /** What its heap may hold. */
  memoryMb: number;
}

/** A source runs the source, a build the build. */
const ENTRY = import.meta.url.endsWith('.ts')
  ? new URL('./thread.entry.ts', import.meta.url)
  : new URL('./thread.entry.js', import.meta.url);
const STOP_WITHIN_MS = 3_000;

/** A thread with one user's file in it: nothing that the file does at its top level or in a loop blocks the server. */
export class Thread {
  readonly file: string;
  /** The file's type as JSON. Rejects where it holds none. */
  readonly loaded: Promise<string>;
  /** Resolves when the thread is gone, with the reason in words. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  #onMessage: (message: FromThread) => void = () => undefined;
  #isEnded = false;
  #isStopped = false;
  #reason: string | null = null;

  constructor({ file, memoryMb }: ThreadOptions) {
    this.file = file;
    this.#worker = new Worker(ENTRY, {
      name: 'job type',
      workerData: { file },
      // No secret of the server is in it, and no flag of the server's command line.
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    // What is printed comes as lines of a run (thread.output.ts); what slips past that must not fill a buffer.
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on('error', (error: unknown) => (this.#reason ??= reasonOf(error, memoryMb)));
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#isEnded = true;
        resolve(this.#reason ?? (this.#isStopped ? 'it was stopped' : `it ended its thread by process.exit(${code})`));
      });
    });
    this.loaded = this.#load();
    this.loaded.catch(() => undefined);
  }

  get isAlive(): boolean {
    return !this.#isEnded && !this.#isStopped;
  }

  send(message: ToThread): void {
    this.#worker.postMessage(message, []);
  }

  /** Whoever is told of what the thread says from now on. */
  listen(onMessage: (message: FromThread) => void): void {
    this.#onMessage = onMessage;
  }

  /** While it has nothing to do it does not keep the process alive. */
  rest(): void {
    this.listen(() => undefined);
    this.#worker.unref();
  }

  wake(): void {
    this.#worker.ref();
  }

  /**
   * Stops it wherever it is, in an endless loop, too. Only a call into the operating system that does not come back
   * keeps a thread: then this resolves all the same, and the thread is gone when the call is.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const stopped = this.#worker.terminate();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_WITHIN_MS)));
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    this.#worker.unref();
  }

  async #load(): Promise<string> {
    const first = new Promise<FromThread>((resolve) => {
      this.#worker.once('message', resolve);
    });
    const outcome = await Promise.race([first, this.ended]);
    if (typeof outcome === 'string') throw new Error(outcome);
    if (outcome.kind !== 'loaded') throw new Error(outcome.kind === 'unfit' ? outcome.reason : 'it said nonsense');
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message));
    return outcome.description;
  }
}

function reasonOf(error: unknown, memoryMb: number): string {
  if (!(error instanceof Error)) return `it threw ${String(error)} where nobody catches it`;
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return `it used more than its ${memoryMb} MiB`;
  return `it threw where nobody catches it: ${error.message}`;
}
