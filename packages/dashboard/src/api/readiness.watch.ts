import { MISSES_TOLD, pauseMs, verdictOf, type Verdict } from './readiness.rules.ts';

export interface ReadinessWatchOptions {
  /** Asks `GET /health/ready`; rejects where nobody answers. */
  ask: (signal: AbortSignal) => Promise<Response>;
  /** Told of each verdict that counts; one miss alone does not. */
  onVerdict: (verdict: Verdict) => void;
  /** Whether somebody looks at the tab: nobody else needs to know. */
  isSeen: () => boolean;
  /** Of [0, 1). */
  random?: () => number;
}

/** The worst that is missed. `silent`: connections that look open may be dead. */
export type Missed = 'unready' | 'silent';

/** What is there answers within milliseconds, or, behind requests that wait for a frozen database, within five seconds. */
const ANSWER_WITHIN_MS = 6_000;
/** What other requests saw makes it ask at once, but not more often than this. */
const ASK_EVERY_MS = 1_000;

/**
 * Knows whether the service is ready, also while the page asks for nothing. The heartbeats of the live stream cannot
 * tell: they come from the server's own memory while its database is frozen.
 */
export class ReadinessWatch {
  readonly #options: Required<ReadinessWatchOptions>;
  readonly #whenBack = new Set<(missed: Missed) => void>();
  #isOn = false;
  #isAsking = false;
  #misses = 0;
  #missed: Missed | null = null;
  #lastAskMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ReadinessWatchOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Watches from now on, not at once: a page that is new asks for so much that it sees for itself. */
  start(): void {
    this.#isOn = true;
    this.#schedule();
  }

  stop(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  /** Calls `listener` when the service is ready again and something may have been missed. Gives the way to stop. */
  onBack(listener: (missed: Missed) => void): () => void {
    this.#whenBack.add(listener);
    return () => this.#whenBack.delete(listener);
  }

  /** The tab is looked at again, or not any more; or the machine's network came or went. */
  reconsider(): void {
    clearTimeout(this.#timer);
    this.#askAtOnce();
  }

  /** A request got no answer: it is told already, and this finds out when that is over. */
  heardNothing(): void {
    this.#missed = 'silent';
    this.#suspect();
  }

  /** A request was answered with 503: its database is away, or it has too much to do, which is nothing to tell. */
  heardRefusal(): void {
    this.#suspect();
  }

  /** A request was answered well: in an outage that is a sign of its end. */
  heardAnswer(): void {
    if (this.#missed !== null) this.#askAtOnce();
  }

  /** Asks once. */
  async runOnce(): Promise<Verdict> {
    this.#isAsking = true;
    this.#lastAskMs = performance.now();
    const verdict = await this.#ask();
    this.#isAsking = false;
    if (!this.#isOn) return verdict;
    if (verdict.is === 'ready') this.#noteReady(verdict);
    else this.#noteMiss(verdict);
    this.#schedule();
    return verdict;
  }

  /** A known outage keeps its pace, whatever else goes wrong meanwhile. */
  #suspect(): void {
    if (this.#misses >= MISSES_TOLD) return;
    this.#misses = Math.max(this.#misses, MISSES_TOLD - 1);
    this.#askAtOnce();
  }

  #noteReady(verdict: Verdict): void {
    const missed = this.#missed;
    this.#misses = 0;
    this.#missed = null;
    this.#options.onVerdict(verdict);
    if (missed === null) return;
    for (const listener of this.#whenBack) listener(missed);
  }

  #noteMiss(verdict: Exclude<Verdict, { is: 'ready' }>): void {
    this.#misses += 1;
    if (this.#misses < MISSES_TOLD) return;
    if (this.#missed !== 'silent') this.#missed = verdict.is;
    this.#options.onVerdict(verdict);
  }

  #askAtOnce(): void {
    this.#schedule(Math.max(0, this.#lastAskMs + ASK_EVERY_MS - performance.now()));
  }

  #schedule(inMs = pauseMs(this.#misses, this.#options.random())): void {
    // What is on its way schedules the next when it is here.
    if (!this.#isOn || this.#isAsking) return;
    clearTimeout(this.#timer);
    if (this.#options.isSeen()) this.#timer = setTimeout(() => void this.runOnce(), inMs);
  }

  async #ask(): Promise<Verdict> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), ANSWER_WITHIN_MS);
    try {
      const response = await this.#options.ask(patience.signal);
      const body: unknown = await response.json().catch(() => null);
      return verdictOf(response.status, body);
    } catch {
      return { is: 'silent' };
    } finally {
      clearTimeout(timer);
    }
  }
}
