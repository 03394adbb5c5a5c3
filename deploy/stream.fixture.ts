import { EventSource } from 'eventsource';

/** A browser's reader of one product's stream, as far as it matters here. */
export interface Reader {
  isOpen: Promise<unknown>;
  positions: number[];
  /** How many reservations it has heard of. */
  reserves(): number;
  close(): void;
}

/** Follows SHIRT from now on, over lost connections, until it is closed. */
export function follow(url: string, headers: Record<string, string> = {}): Reader {
  const source = new EventSource(`${url}/api/v1/events/stream?topics=product:SHIRT`, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  });
  const positions: number[] = [];
  let reserves = 0;
  source.addEventListener('stock.changed', ({ data, lastEventId }) => {
    const { type } = (JSON.parse(data as string) as { data: { type: string } }).data;
    positions.push(Number(lastEventId));
    if (type === 'reserve') reserves += 1;
  });
  const isOpen = new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
  return { isOpen, positions, reserves: () => reserves, close: () => source.close() };
}
