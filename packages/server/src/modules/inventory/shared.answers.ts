import type { RedisLink } from '../../platform/redis/index.ts';

/** An answer that some instance has read, and how far the stream had told it when it did. */
export interface SharedAnswer {
  body: string;
  etag: string;
  position: number;
}

/** Answers that instances share. It may forget anything, and hold what is old: whoever asks judges by the position. */
export interface SharedAnswers {
  readonly isThere: boolean;
  find(sku: string, question: string): Promise<SharedAnswer | null>;
  /** Returns at once. */
  keep(sku: string, question: string, answer: SharedAnswer): void;
}

export interface RedisAnswersOptions {
  link: Pick<RedisLink, 'isUp' | 'run'>;
  /** Of this installation in this life of its database, and of no other; asked until it is known. */
  name: () => Promise<string>;
}

/** A product that nobody reads makes room. */
const KEPT_MS = 10_000;
const BODY_MAX = 65_536;

export class RedisAnswers implements SharedAnswers {
  readonly #options: RedisAnswersOptions;
  #prefix: string | null = null;
  #isAsking = false;

  constructor(options: RedisAnswersOptions) {
    this.#options = options;
  }

  get isThere(): boolean {
    if (!this.#options.link.isUp) return false;
    if (this.#prefix === null && !this.#isAsking) void this.#askName();
    return this.#prefix !== null;
  }

  async find(sku: string, question: string): Promise<SharedAnswer | null> {
    try {
      const text = await this.#options.link.run((redis) => redis.get(this.#keyOf(sku, question)));
      return text === null ? null : parse(text);
    } catch {
      // Away, or late: the database knows.
      return null;
    }
  }

  keep(sku: string, question: string, { position, etag, body }: SharedAnswer): void {
    if (body.length > BODY_MAX || !this.isThere) return;
    const text = `${position}\n${etag}\n${body}`;
    // Full, away or late: then it is not kept.
    this.#options.link.run((redis) => redis.set(this.#keyOf(sku, question), text, 'PX', KEPT_MS)).catch(nothing);
  }

  #keyOf(sku: string, question: string): string {
    return `${this.#prefix}${sku}/${question}`;
  }

  async #askName(): Promise<void> {
    this.#isAsking = true;
    try {
      this.#prefix = `holdfast:${await this.#options.name()}:stock:`;
    } catch {
      // The database is away; the next question asks again.
    } finally {
      this.#isAsking = false;
    }
  }
}

const nothing = (): void => undefined;

function parse(text: string): SharedAnswer | null {
  const afterPosition = text.indexOf('\n');
  const afterEtag = text.indexOf('\n', afterPosition + 1);
  const position = Number(text.slice(0, Math.max(0, afterPosition)));
  if (afterPosition < 1 || afterEtag < 0 || !Number.isSafeInteger(position)) return null;
  return { position, etag: text.slice(afterPosition + 1, afterEtag), body: text.slice(afterEtag + 1) };
}
