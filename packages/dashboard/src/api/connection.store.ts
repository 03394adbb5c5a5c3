import { createStore } from '../app/store.ts';
import type { Verdict } from './readiness.rules.ts';
import { serverNow } from './server.clock.ts';

export interface Connection {
  /** Whether the server answered last time. */
  isHere: boolean;
  /** Why it is here and yet not ready, in its own words: its database is away, it starts, it stops. Null: it is ready. */
  unreadyBecause: string | null;
  /** When all was well last, in milliseconds since 1970: what is shown is as of then. */
  asOfMs: number;
  /** Whether events arrive as they happen; otherwise it is asked every few seconds. */
  isLive: boolean;
}

export const connectionStore = createStore<Connection>({
  isHere: true,
  unreadyBecause: null,
  asOfMs: serverNow(),
  isLive: false,
});

/** Whether what is shown may be old: the server does not answer, or is not ready. */
export function isAway({ isHere, unreadyBecause }: Connection): boolean {
  return !isHere || unreadyBecause !== null;
}

export function noteAnswer(): void {
  const known = connectionStore.get();
  // What is answered from memory while the database is away makes nothing new.
  const asOfMs = known.unreadyBecause === null ? serverNow() : known.asOfMs;
  connectionStore.set({ ...known, isHere: true, asOfMs });
}

/** It answered that it cannot: it is there, and nothing that is shown is newer for it. */
export function noteRefusal(): void {
  const known = connectionStore.get();
  if (!known.isHere) connectionStore.set({ ...known, isHere: true });
}

export function noteSilence(): void {
  const known = connectionStore.get();
  if (known.isHere) connectionStore.set({ ...known, isHere: false });
}

export function noteVerdict(verdict: Verdict): void {
  const known = connectionStore.get();
  if (verdict.is === 'silent') return noteSilence();
  if (verdict.is === 'unready') {
    if (known.isHere && known.unreadyBecause === verdict.because) return;
    return connectionStore.set({ ...known, isHere: true, unreadyBecause: verdict.because });
  }
  // All that happened until now was told by the stream, unless it could not be: then it is the next answers that are new.
  const asOfMs = known.isLive && !isAway(known) ? serverNow() : known.asOfMs;
  connectionStore.set({ ...known, isHere: true, unreadyBecause: null, asOfMs });
}

export function noteLive(isLive: boolean): void {
  const known = connectionStore.get();
  if (known.isLive === isLive) return;
  connectionStore.set({ ...known, isLive });
  // For who tests or styles it.
  document.documentElement.toggleAttribute('data-live', isLive);
}
