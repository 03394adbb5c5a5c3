import type { HoldfastEvent } from './live.rules.ts';

type Listener = (event: HoldfastEvent) => void;
const listeners = new Set<Listener>();

/** Calls `listener` for every event as it arrives. Gives the way to stop. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function publish(event: HoldfastEvent): void {
  for (const listener of listeners) listener(event);
}
