import { useEffect, useEffectEvent, useState } from 'react';
import { onEvent } from './live.bus.ts';
import type { HoldfastEvent } from './live.rules.ts';

/** Calls `listener` for each event while the component is there. */
export function useEvents(listener: (event: HoldfastEvent) => void): void {
  const heard = useEffectEvent(listener);
  useEffect(() => onEvent((event) => heard(event)), []);
}

/** How many events of these kinds came since the list was last (re)loaded: the rows that it announces above itself. */
export function useNewRows(isNew: (event: HoldfastEvent) => boolean): { count: number; reset: () => void } {
  const [count, setCount] = useState(0);
  useEvents((event) => {
    if (isNew(event)) setCount((known) => known + 1);
  });
  return { count, reset: () => setCount(0) };
}
