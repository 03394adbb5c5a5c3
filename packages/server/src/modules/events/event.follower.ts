import { Problem } from '../../kernel/problem.ts';
import { eventProblems, positionGone, positionUnknown } from './event.problems.ts';
import type { EventFeed } from './event.feed.ts';
import { EventPages } from './event.pages.ts';
import { piecesOf, type EventSpan } from './event.tail.ts';

/** Where the events of one follower go. */
export interface FollowerSink {
  /** It holds as many bytes as it may: nothing more is written until the follower is told to go on. */
  readonly isFull: boolean;
  /** Takes the events of a span that lie behind a position. Must not throw. */
  take(span: EventSpan, after: number): void;
  /** There is no more: what came after its position is kept no longer. */
  onGone(problem: Problem): void;
}

/** What is followed. */
export type FollowedFeed = Pick<EventFeed, 'tail' | 'position' | 'now' | 'extent' | 'read' | 'subscribe'>;

const AFTER_ERROR_MS = 500;
const LOOK_AGAIN_MS = 20;

/**
 * For a position that is beyond the head. Looks at it once more: another instance may have given it meanwhile.
 *
 * @throws Problem `position_gone`
 */
export async function refuseUnknown(feed: Pick<EventFeed, 'extent'>, after: number): Promise<void> {
  const extent = await feed.extent();
  if (after > extent.head) throw positionUnknown(after, extent);
}

/** All who follow the stream here, each from a position of their own. */
export class EventBroadcast {
  readonly #feed: FollowedFeed;
  readonly #pages: EventPages;
  readonly #onError: (error: unknown) => void;
  readonly #followers = new Set<Follower>();
  #unsubscribe: (() => void) | null = null;
  #looking: ReturnType<FollowedFeed['extent']> | null = null;

  constructor(feed: FollowedFeed, onError: (error: unknown) => void = () => undefined) {
    this.#feed = feed;
    this.#pages = new EventPages(
      (after, limit) => feed.read(after, { limit }),
      () => feed.position ?? 0,
    );
    this.#onError = onError;
  }

  /**
   * Where a reader begins who asks for what follows a position; without one, who asks for everything from now on.
   *
   * @throws Problem `position_gone`
   */
  async startAt(after: number | undefined): Promise<number> {
    if (after === undefined) return this.#feed.now();
    const { tail, position } = this.#feed;
    if (tail.covers(after) && position !== null && after <= position) return after;
    // A thousand who come back at once share a look.
    this.#looking ??= this.#feed.extent().finally(() => (this.#looking = null));
    const { head, forgotten } = await this.#looking;
    if (after < forgotten) throw positionGone(after, forgotten);
    if (after > head) await refuseUnknown(this.#feed, after);
    return after;
  }

  /** Gives a sink every event behind a position, in order and each once: first those that are there, then the live ones. */
  follow(after: number, sink: FollowerSink): Follower {
    const follower = new Follower(this.#feed, this.#pages, sink, after, {
      onStop: () => this.#leave(follower),
      onError: this.#onError,
    });
    this.#followers.add(follower);
    this.#unsubscribe ??= this.#feed.subscribe({
      onSpan: () => {
        for (const each of this.#followers) each.goOn();
      },
    });
    follower.goOn();
    return follower;
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}

/** One reader's way along the stream. It takes what it needs when its sink has room; nobody waits for it. */
export class Follower {
  readonly #feed: FollowedFeed;
  readonly #pages: EventPages;
  readonly #sink: FollowerSink;
  readonly #hooks: { onStop: () => void; onError: (error: unknown) => void };
  #position: number;
  /** A span of which the sink has not taken all: it was full. */
  #held: EventSpan | null = null;
  #isReading = false;
  /** Somebody said "go on" while it was reading. */
  #isWoken = false;
  #isStopped = false;

  constructor(
    feed: FollowedFeed,
    pages: EventPages,
    sink: FollowerSink,
    after: number,
    hooks: { onStop: () => void; onError: (error: unknown) => void },
  ) {
    this.#feed = feed;
    this.#pages = pages;
    this.#sink = sink;
    this.#position = after;
    this.#hooks = hooks;
  }

  /** Everything up to here was given to the sink. */
  get position(): number {
    return this.#position;
  }

  /** Goes over what follows a position once more. */
  rewind(position: number): void {
    this.#position = Math.min(this.#position, position);
    this.#held = null;
    this.goOn();
  }

  /** There may be more to read, or more room. */
  goOn(): void {
    this.#isWoken = true;
    if (this.#isReading || this.#isStopped) return;
    const { tail } = this.#feed;
    while (!this.#sink.isFull && (this.#held !== null || tail.covers(this.#position))) {
      const span = this.#held ?? tail.next(this.#position);
      if (span === undefined) return;
      this.#give(span);
      // The sink may have stopped it.
      if (this.#isStopped) return;
    }
    if (!this.#sink.isFull) this.#readOn();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#hooks.onStop();
  }

  #give(span: EventSpan): void {
    this.#held = span;
    for (const piece of piecesOf(span)) {
      const after = this.#position;
      if (piece.position <= after) continue;
      if (this.#sink.isFull || this.#isStopped) return;
      this.#position = piece.position;
      this.#sink.take(piece, after);
    }
    this.#held = null;
  }

  /** From further back than the tail goes. */
  #readOn(): void {
    this.#isReading = true;
    this.#isWoken = false;
    this.#pages.after(this.#position).then(
      (span) => {
        this.#isReading = false;
        if (this.#isStopped) return;
        // Meanwhile it may have been told to go back.
        const isNews = span.after <= this.#position && span.position > this.#position;
        if (isNews) this.#give(span);
        if (isNews || this.#isWoken) this.goOn();
        // The page may have been read for somebody else, before what lies between here and the tail was there. Where the
        // feed does not follow yet, it calls when it begins.
        else if (this.#feed.position !== null) setTimeout(() => this.goOn(), LOOK_AGAIN_MS).unref();
      },
      (error: unknown) => this.#retry(error),
    );
  }

  #retry(error: unknown): void {
    if (this.#isStopped) return;
    if (error instanceof Problem && error.code === eventProblems.positionGone.code) {
      this.stop();
      this.#sink.onGone(error);
      return;
    }
    this.#hooks.onError(error);
    setTimeout(() => {
      this.#isReading = false;
      this.goOn();
    }, AFTER_ERROR_MS).unref();
  }
}
