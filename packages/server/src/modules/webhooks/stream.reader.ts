import type { Clock } from '../../kernel/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import { eventProblems, type StreamEvent } from '../events/index.ts';

/** The stream, as deliveries need it. */
export interface EventSource {
  /** The last position that is given. */
  head(): Promise<number>;
  /** The head, after everything that is committed by now has its position. */
  now(): Promise<number>;
  /** Events up to this position are kept no longer. */
  forgotten(): Promise<number>;
  /**
   * A position before all events of an instant and of later ones.
   *
   * @throws Problem `position_gone`
   */
  positionBefore(instantMs: number): Promise<number>;
  /** A position behind all events of before an instant. */
  positionBehind(instantMs: number): Promise<number>;
  /** @throws Problem `position_gone` */
  read(
    after: number,
    options: { limit: number; types?: readonly string[]; topics?: readonly string[] },
  ): Promise<{ events: readonly StreamEvent[]; position: number }>;
  onAdvance(callback: () => void): () => void;
}

export interface StreamReaderOptions {
  feed: EventSource;
  clock: Clock;
  position: number;
  types: readonly string[];
  /** None: all. */
  topics: readonly string[];
  /** The stream was read to a position, and these came of it. */
  onRead: (events: readonly StreamEvent[], position: number) => void;
  /** A stretch was gone before it was read. Reading goes on behind it once this is kept. */
  onForgotten: (from: number, to: number) => Promise<void>;
  onError: (error: unknown) => void;
}

const READ_LIMIT = 500;
const AFTER_ERROR_MS = 500;

/** Reads the stream for one endpoint, up to its head. */
export class StreamReader {
  readonly #options: StreamReaderOptions;
  #position: number;
  #isAtHead = false;
  #notBeforeMs = -Infinity;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  /** There is, or may be, more to read now. */
  get hasMore(): boolean {
    return !this.#isAtHead && this.#notBeforeMs <= this.#options.clock.monotonic();
  }

  /** When it may be tried again after a failure; Infinity where it need not be. */
  get retryAtMs(): number {
    return this.#isAtHead || this.hasMore ? Infinity : this.#notBeforeMs;
  }

  advance(): void {
    this.#isAtHead = false;
  }

  async readOn(): Promise<void> {
    // Told of an advance meanwhile, it reads again.
    this.#isAtHead = true;
    try {
      const before = this.#position;
      await this.#read();
      if (this.#position > before) this.#isAtHead = false;
    } catch (error) {
      this.#isAtHead = false;
      this.#notBeforeMs = this.#options.clock.monotonic() + AFTER_ERROR_MS;
      this.#options.onError(error);
    }
  }

  async #read(): Promise<void> {
    const { feed, types, topics, onRead, onForgotten } = this.#options;
    const after = this.#position;
    try {
      const filter = topics.length === 0 ? { types } : { types, topics };
      const { events, position } = await feed.read(after, { limit: READ_LIMIT, ...filter });
      this.#position = position;
      onRead(events, position);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== eventProblems.positionGone.code) throw error;
      const { earliest } = error.extensions;
      const to = typeof earliest === 'number' ? earliest : await feed.head();
      await onForgotten(after, to);
      this.#position = to;
      onRead([], to);
    }
  }
}
