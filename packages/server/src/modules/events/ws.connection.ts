import type { IncomingMessage } from 'node:http';
import { Problem, problems } from '../../kernel/problem.ts';
import type { WebSocketPeer } from '../../platform/http/web.socket.ts';
import type { EventBroadcast, Follower, FollowerSink } from './event.follower.ts';
import { liveProblems } from './event.problems.ts';
import { eventsAfter, type EventSpan } from './event.tail.ts';
import type { StreamEvent } from './event.types.ts';
import type { LiveConnection } from './live.connections.ts';
import { graceMsOf, HEARTBEAT_MS, slowReader, STALLED_MS } from './sse.connection.ts';
import { invalid, parseClientMessage, type ClientMessage } from './ws.messages.ts';
import { Subscriptions } from './ws.subscriptions.ts';

const SUBSCRIPTIONS_MAX = 100;
const TOPICS_MAX = 2_000;
/** Messages and pings in any second; a client subscribes once in a while. */
const MESSAGES_PER_SECOND = 50;
/** Four pings without an answer: before a slow reader comes to one, it has to take what the kernels hold. */
const SILENT_MS = 4 * HEARTBEAT_MS;

/** RFC 6455, section 7.4, and IANA's registry. */
const CLOSE = { policy: 1008, restart: 1012, tryLater: 1013 } as const;

const CLOSE_CODES: Readonly<Record<string, number>> = {
  [problems.shuttingDown.code]: CLOSE.restart,
  [liveProblems.slowReader.code]: CLOSE.tryLater,
};

/** One client of `GET /ws`. */
export class WsConnection implements LiveConnection, FollowerSink {
  readonly #peer: WebSocketPeer;
  readonly #broadcast: EventBroadcast;
  readonly #onError: (error: unknown) => void;
  readonly #subscriptions = new Subscriptions();
  #follower: Follower | null = null;
  /** Messages take effect one after the other, in the order in which they came. */
  #doing: Promise<void> = Promise.resolve();
  #heardMs = performance.now();
  #pingedMs = performance.now();
  #secondBeganMs = performance.now();
  #heardThisSecond = 0;
  #isEnded = false;

  constructor(peer: WebSocketPeer, broadcast: EventBroadcast, onError: (error: unknown) => void) {
    this.#peer = peer;
    this.#broadcast = broadcast;
    this.#onError = onError;
  }

  get request(): IncomingMessage {
    return this.#peer.request;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isFull(): boolean {
    return this.#peer.outflow.isFull;
  }

  take(span: EventSpan, after: number): void {
    for (const event of eventsAfter(span, after)) {
      if (this.#subscriptions.wants(event)) this.#peer.outflow.write(eventMessage(event));
    }
    this.#subscriptions.toldThrough(span.position);
  }

  onGone(problem: Problem): void {
    this.end(problem);
  }

  onRoom(): void {
    if (!this.#isEnded) this.#follower?.goOn();
  }

  onClose(): void {
    this.#isEnded = true;
    this.#follower?.stop();
  }

  onSignOfLife(): void {
    this.#heard();
  }

  onMessage(text: Buffer | null): void {
    if (!this.#heard()) return;
    this.#doing = this.#doing.then(() => this.#do(text)).catch((error: unknown) => this.#refuse(error));
  }

  tick(nowMs: number): void {
    const { stalledMs, takenAtMs } = this.#peer.outflow;
    if (stalledMs !== null && stalledMs > STALLED_MS) this.end(slowReader());
    // Who takes what waited is there: an answer to a ping comes when all before it is taken.
    else if (nowMs - Math.max(this.#heardMs, takenAtMs) > SILENT_MS) this.#peer.cut();
    else if (nowMs - this.#pingedMs >= HEARTBEAT_MS) {
      this.#pingedMs = nowMs;
      this.#peer.ping();
    }
  }

  end(reason: Problem): void {
    if (this.#isEnded) return this.#peer.cut();
    this.#isEnded = true;
    this.#follower?.stop();
    this.#tell({ type: 'error', code: reason.code, detail: reason.detail });
    this.#peer.end(CLOSE_CODES[reason.code] ?? CLOSE.policy, reason.code, graceMsOf(reason));
  }

  async #do(text: Buffer | null): Promise<void> {
    if (this.#isEnded) return;
    if (text === null) throw invalid('Send messages as text.');
    const message = parseClientMessage(text);
    switch (message.type) {
      case 'ping':
        return this.#tell({ type: 'pong' });
      case 'subscribe':
        return this.#subscribe(message);
      case 'unsubscribe':
        return this.#unsubscribe(message.topics ?? []);
    }
  }

  async #subscribe({ topics = [], types = [], after }: Extract<ClientMessage, { type: 'subscribe' }>): Promise<void> {
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX || this.#subscriptions.topics + topics.length > TOPICS_MAX) {
      throw invalid(`A connection has ${SUBSCRIPTIONS_MAX} subscriptions and ${TOPICS_MAX} topics at most.`);
    }
    const position = await this.#broadcast.startAt(after);
    if (this.#isEnded) return;
    this.#tell({ type: 'subscribed', topics, position });
    this.#subscriptions.add({ topics, types }, position);
    if (this.#follower === null) this.#follower = this.#broadcast.follow(position, this);
    else this.#follower.rewind(position);
  }

  #unsubscribe(topics: readonly string[]): void {
    this.#subscriptions.remove(topics);
    const position = this.#follower?.position ?? 0;
    if (this.#subscriptions.size === 0) {
      this.#follower?.stop();
      this.#follower = null;
    }
    this.#tell({ type: 'unsubscribed', topics, position });
  }

  /** A message that is refused changes nothing; the connection goes on. */
  #refuse(error: unknown): void {
    if (this.#isEnded) return;
    if (!(error instanceof Problem)) this.#onError(error);
    const { code, detail } = error instanceof Problem ? error : new Problem(problems.databaseUnavailable, NOT_NOW);
    this.#tell({ type: 'error', code, detail });
  }

  /** @returns false where it has said too much and is cut off */
  #heard(): boolean {
    const nowMs = performance.now();
    this.#heardMs = nowMs;
    if (nowMs - this.#secondBeganMs >= 1_000) {
      this.#secondBeganMs = nowMs;
      this.#heardThisSecond = 0;
    }
    this.#heardThisSecond += 1;
    if (this.#isEnded) return false;
    if (this.#heardThisSecond > MESSAGES_PER_SECOND) this.end(tooManyMessages());
    return !this.#isEnded;
  }

  #tell(message: object): void {
    this.#peer.outflow.write(Buffer.from(JSON.stringify(message)));
  }
}

const NOT_NOW = 'The stream cannot be read now. Try again.';

/** Made once for all connections, and forgotten with the event. */
const made = new WeakMap<StreamEvent, Buffer>();

function eventMessage(event: StreamEvent): Buffer {
  let message = made.get(event);
  if (message === undefined) {
    message = Buffer.from(`{"type":"event","position":${event.position},"event":${event.json}}`);
    made.set(event, message);
  }
  return message;
}

function tooManyMessages(): Problem {
  return new Problem(liveProblems.tooManyMessages, `At most ${MESSAGES_PER_SECOND} messages a second are taken.`);
}
