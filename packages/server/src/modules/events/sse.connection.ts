import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Problem } from '../../kernel/problem.ts';
import type { EventStream } from '../../platform/http/event.stream.ts';
import { liveProblems } from './event.problems.ts';
import type { EventBroadcast, Follower, FollowerSink } from './event.follower.ts';
import type { EventSpan } from './event.tail.ts';
import type { LiveConnection } from './live.connections.ts';
import { endFrame, heartbeatFrame, openingFrame, type FrameMaker, type SharedFilter } from './sse.frames.ts';

export const HEARTBEAT_MS = 15_000;
/**
 * Who takes nothing for so long of what waits is cut. Kernels hold megabytes, and take more only when they are rid of a
 * third: who steadily took 40 KB/s on loopback was seen to take nothing for 27 s.
 */
export const STALLED_MS = 30_000;
const END_GRACE_MS = 3_000;
/** Who is slow gets what is written already, and the reason. */
const SLOW_GRACE_MS = 15_000;
const RETRY_MS = 1_000;
/** All readers of an instance that stops come back: not all at once. */
const RETRY_SPREAD_MS = 2_000;

export interface SseOptions {
  stream: EventStream;
  broadcast: EventBroadcast;
  frames: FrameMaker;
  filter: SharedFilter;
  after: number;
}

/** One reader of `GET /events/stream`. */
export class SseConnection implements LiveConnection, FollowerSink {
  readonly #stream: EventStream;
  readonly #frames: FrameMaker;
  readonly #filter: SharedFilter;
  readonly #follower: Follower;
  readonly #retryMs = RETRY_MS + randomInt(RETRY_SPREAD_MS);
  #lastWriteMs = performance.now();
  #isEnded = false;

  constructor({ stream, broadcast, frames, filter, after }: SseOptions) {
    this.#stream = stream;
    this.#frames = frames;
    this.#filter = filter;
    this.#write(Buffer.from(openingFrame(after, this.#retryMs)));
    this.#follower = broadcast.follow(after, this);
  }

  get request(): IncomingMessage {
    return this.#stream.request;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isFull(): boolean {
    return this.#stream.outflow.isFull;
  }

  take(span: EventSpan, after: number): void {
    const frames = this.#frames.framesOf(span, after, this.#filter);
    if (frames !== null) this.#write(frames);
  }

  onGone(problem: Problem): void {
    this.end(problem);
  }

  onRoom(): void {
    if (!this.#isEnded) this.#follower.goOn();
  }

  onClose(): void {
    this.#isEnded = true;
    this.#follower.stop();
  }

  tick(nowMs: number): void {
    const { stalledMs } = this.#stream.outflow;
    if (stalledMs !== null && stalledMs > STALLED_MS) this.end(slowReader());
    else if (nowMs - this.#lastWriteMs >= HEARTBEAT_MS && stalledMs === null) {
      this.#write(Buffer.from(heartbeatFrame(this.#follower.position)));
    }
  }

  end(reason: Problem): void {
    if (this.#isEnded) return this.#stream.cut();
    this.#isEnded = true;
    this.#follower.stop();
    this.#write(Buffer.from(endFrame(reason, this.#retryMs)));
    this.#stream.end(graceMsOf(reason));
  }

  #write(bytes: Buffer): void {
    this.#lastWriteMs = performance.now();
    this.#stream.outflow.write(bytes);
  }
}

export function graceMsOf({ code }: Problem): number {
  return code === liveProblems.slowReader.code ? SLOW_GRACE_MS : END_GRACE_MS;
}

export function slowReader(): Problem {
  return new Problem(
    liveProblems.slowReader,
    'You take events more slowly than they come. Connect again with the last position that you have: it resumes there.',
  );
}
