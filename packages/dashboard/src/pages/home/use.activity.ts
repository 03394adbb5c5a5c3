import { useEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/queries.ts';
import { serverNow } from '../../api/server.clock.ts';
import type { Movement } from '../../live/live.rules.ts';
import { useEvents } from '../../live/use.events.ts';
import { useNow } from '../../ui/use.now.ts';

const PAGE_SIZE = 200;
/** A busy server has more movements in an hour than a page should load: then the course is shorter, and says so. */
const PAGES_MAX = 10;
const HOURS_3_MS = 3 * 3_600_000;
const SHORTEST_MS = 60_000;
const KEPT_MAX = 4_000;
const REDRAW_MS = 10_000;
/** Those that come within it are drawn together: hundreds a second would leave a phone no time for anything else. */
const TOGETHER_MS = 300;

export interface Activity {
  /** Newest first. */
  movements: readonly Movement[];
  /** Since when all of them are known. */
  fromMs: number;
  toMs: number;
  isLoading: boolean;
}

/** The movements of the last three hours, as far as they can be loaded, and those that come. */
export function useActivity(): Activity {
  const [live, setLive] = useState<readonly Movement[]>([]);
  const loaded = useQuery({
    // No event makes it stale, they are added to it; it is asked for anew where some were missed.
    queryKey: ['/api/v1/ledger of home'],
    queryFn: ({ signal }) => loadRecent(signal),
    staleTime: Infinity,
    // What moved while another page was shown came to nobody here.
    refetchOnMount: 'always',
  });
  const now = useNow(REDRAW_MS);
  const came = useRef<Movement[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEvents((event) => {
    if (event.type !== 'stock.changed') return;
    came.current.push(event.data as Movement);
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const newest = came.current.splice(0).toReversed();
      setLive((known) => [...newest, ...known].slice(0, KEPT_MAX));
    }, TOGETHER_MS);
  });
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return useMemo(() => {
    const before = loaded.data ?? { movements: [], fromMs: now };
    const seen = new Set(before.movements.map(keyOfMovement));
    const movements = [...live.filter((movement) => !seen.has(keyOfMovement(movement))), ...before.movements];
    const toMs = Math.max(now, Date.parse(movements[0]?.at ?? '') || 0);
    const fromMs = Math.min(Math.max(before.fromMs, toMs - HOURS_3_MS), toMs - SHORTEST_MS);
    return { movements, fromMs, toMs, isLoading: loaded.isPending };
  }, [live, loaded.data, loaded.isPending, now]);
}

export function keyOfMovement({ seq, sku, location }: Movement): string {
  return `${seq} ${sku} ${location}`;
}

async function loadRecent(signal: AbortSignal): Promise<{ movements: Movement[]; fromMs: number }> {
  const fromMs = serverNow() - HOURS_3_MS;
  const from = new Date(fromMs).toISOString();
  const movements: Movement[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { from: string; limit: number; cursor?: string } = {
      from,
      limit: PAGE_SIZE,
      ...(cursor === null ? {} : { cursor }),
    };
    const answer: { items: Movement[]; nextCursor: string | null } = await get('/api/v1/ledger', { query }, signal);
    movements.push(...answer.items);
    cursor = answer.nextCursor;
    if (cursor === null) return { movements, fromMs };
  }
  return { movements, fromMs: Date.parse(movements.at(-1)?.at ?? from) };
}
