import { createStore } from '../app/store.ts';

export interface Connection {
  /** Whether the server answered last time. */
  isHere: boolean;
  /** When it last answered, in milliseconds since 1970: what is shown is as of then. */
  lastHeardMs: number;
  /** Whether events arrive as they happen; otherwise it is asked every few seconds. */
  isLive: boolean;
}

export const connectionStore = createStore<Connection>({ isHere: true, lastHeardMs: Date.now(), isLive: false });

export function noteAnswer(): void {
  const { isLive } = connectionStore.get();
  connectionStore.set({ isHere: true, isLive, lastHeardMs: Date.now() });
}

export function noteSilence(): void {
  const known = connectionStore.get();
  if (known.isHere) connectionStore.set({ ...known, isHere: false });
}

export function noteLive(isLive: boolean): void {
  const known = connectionStore.get();
  if (known.isLive === isLive) return;
  connectionStore.set({ ...known, isLive });
  // For who tests or styles it.
  document.documentElement.toggleAttribute('data-live', isLive);
}
