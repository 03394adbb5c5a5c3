import { useSyncExternalStore } from 'react';
import { serverNow } from '../api/server.clock.ts';

/** One timer for everything on the page that shows the time at this pace. */
class Ticker {
  readonly #everyMs: number;
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #now = serverNow();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) {
      this.#now = serverNow();
      this.#timer = setInterval(() => {
        this.#now = serverNow();
        for (const heard of this.#listeners) heard();
      }, this.#everyMs);
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) clearInterval(this.#timer);
    };
  };

  readonly now = (): number => this.#now;
}

const tickers = new Map<number, Ticker>();

function tickerOf(everyMs: number): Ticker {
  const known = tickers.get(everyMs) ?? new Ticker(everyMs);
  tickers.set(everyMs, known);
  return known;
}

/** The time by the server's clock, renewed every so many milliseconds. */
export function useNow(everyMs: number): number {
  const ticker = tickerOf(everyMs);
  return useSyncExternalStore(ticker.subscribe, ticker.now);
}
