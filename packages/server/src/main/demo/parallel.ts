/** Does the work for each item in their order, so many at a time; after a failure no further one is begun. */
export async function inParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      const running = work(item).finally(() => inFlight.delete(running));
      inFlight.add(running);
      running.catch(() => undefined);
      if (inFlight.size >= atOnce) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
  }
}
