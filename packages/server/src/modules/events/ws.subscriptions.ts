import { matcherOf, type EventFilter, type StreamEvent } from './event.types.ts';

/** One message `subscribe`, or what is left of it. */
interface Subscription {
  filter: { types: readonly string[]; topics: readonly string[] };
  matches: (event: StreamEvent) => boolean;
  /** It was told everything of it above here, up to `through`. */
  readonly after: number;
  through: number;
}

/**
 * What one connection subscribes to. A subscription may begin further back than those that are there: what they were
 * told already is not told again.
 */
export class Subscriptions {
  #all: Subscription[] = [];

  get size(): number {
    return this.#all.length;
  }

  get topics(): number {
    return this.#all.reduce((sum, { filter }) => sum + filter.topics.length, 0);
  }

  add({ types = [], topics = [] }: EventFilter, after: number): void {
    const filter = { types, topics };
    this.#all.push({ filter, matches: matcherOf(filter), after, through: after });
  }

  /** Without topics: all of them. A subscription that has none left is gone. */
  remove(topics: readonly string[]): void {
    const gone = new Set(topics);
    this.#all = this.#all.flatMap((subscription) => {
      const { filter } = subscription;
      const left = filter.topics.filter((topic) => !gone.has(topic));
      if (gone.size === 0 || (left.length === 0 && filter.topics.length > 0)) return [];
      if (left.length === filter.topics.length) return [subscription];
      const narrower = { ...filter, topics: left };
      return [{ ...subscription, filter: narrower, matches: matcherOf(narrower) }];
    });
  }

  /** Whether somebody waits for an event who was not told yet. */
  wants(event: StreamEvent): boolean {
    let isWanted = false;
    for (const { matches, after, through } of this.#all) {
      if (event.position <= after || !matches(event)) continue;
      if (event.position <= through) return false;
      isWanted = true;
    }
    return isWanted;
  }

  /** Everything up to there was told. */
  toldThrough(position: number): void {
    for (const subscription of this.#all) subscription.through = Math.max(subscription.through, position);
  }
}
