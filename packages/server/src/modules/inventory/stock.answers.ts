import type { Fill, KeptAnswer, StockCache } from './stock.cache.ts';
import type { SharedAnswers } from './shared.answers.ts';

/** What is asked about one product's stock. */
export interface StockKey {
  sku: string;
  /** What is asked of the product: a location's code, or nothing for all of them. */
  question: string;
  /** Whether only the database may answer. */
  fresh: boolean;
}

/** The same, and how the database answers it. */
export interface StockQuestion<Value> extends StockKey {
  /** Asks the database. */
  load: () => Promise<Value>;
  etagOf: (value: Value, body: string) => string;
}

/** An answer, and what is told of how it came about. */
export interface StockAnswer {
  body: string;
  etag: string;
  /** In whole seconds since it was known to be so (RFC 9111, Age). */
  age: number;
  /** RFC 9211. */
  cacheStatus: string;
}

export interface StockAnswersDeps {
  cache: StockCache;
  /** Answers of other instances, where there is a Redis. */
  shared: SharedAnswers | null;
}

/** What is known already, without a wait; null where somebody has to be asked. */
export function knownAnswer({ cache }: StockAnswersDeps, { sku, question, fresh }: StockKey): StockAnswer | null {
  if (fresh) {
    cache.passedBy();
    return null;
  }
  const known = cache.find(sku, question);
  return known === null ? null : kept(cache, known, 'hit');
}

/** @throws what `load` throws */
export async function askedAnswer<Value>(
  { cache, shared }: StockAnswersDeps,
  asked: StockQuestion<Value>,
): Promise<StockAnswer> {
  const fill = cache.begin(asked.sku, asked.question);
  if (typeof fill === 'string') {
    const why = asked.fresh ? 'fwd=request' : fill === 'behind' ? 'fwd=bypass; detail=behind' : 'fwd=uri-miss';
    return { ...(await load(asked)), age: 0, cacheStatus: `holdfast; ${why}` };
  }
  if (asked.fresh || shared?.isThere !== true) return loadAndKeep(cache, asked, fill, shared);
  const answer = await sharedAnswer(cache, shared, asked, fill);
  if (answer !== null) return answer;
  // What has happened while Redis was asked is not in that fill.
  const another = cache.begin(asked.sku, asked.question);
  if (typeof another !== 'string') return loadAndKeep(cache, asked, another, shared);
  return { ...(await load(asked)), age: 0, cacheStatus: 'holdfast; fwd=uri-miss' };
}

async function load<Value>(asked: StockQuestion<Value>): Promise<{ body: string; etag: string }> {
  const value = await asked.load();
  const body = JSON.stringify(value);
  return { body, etag: asked.etagOf(value, body) };
}

async function loadAndKeep<Value>(
  cache: StockCache,
  asked: StockQuestion<Value>,
  fill: Fill,
  shared: SharedAnswers | null,
): Promise<StockAnswer> {
  let answer: KeptAnswer | null = null;
  let isKept = false;
  try {
    answer = { ...(await load(asked)), askedMs: fill.askedMs };
  } finally {
    isKept = cache.end(fill, asked.question, answer);
  }
  const { body, etag } = answer;
  if (isKept) shared?.keep(asked.sku, asked.question, { body, etag, position: fill.position });
  const why = asked.fresh ? 'fwd=request' : 'fwd=uri-miss';
  return { body, etag, age: 0, cacheStatus: `holdfast; ${why}${isKept ? '; stored' : ''}` };
}

/** Another instance has read it, and nothing has changed since. */
async function sharedAnswer(
  cache: StockCache,
  shared: SharedAnswers,
  { sku, question }: StockKey,
  fill: Fill,
): Promise<StockAnswer | null> {
  const found = await shared.find(sku, question);
  const holds = found !== null && fill.isValid && cache.holds(sku, found.position);
  // Of when it was read this instance knows no more than that it still holds.
  const answer = holds ? { body: found.body, etag: found.etag, askedMs: 0 } : null;
  const isKept = cache.end(fill, question, answer);
  return isKept && answer !== null ? kept(cache, answer, 'hit; detail=shared') : null;
}

function kept(cache: StockCache, answer: KeptAnswer, how: string): StockAnswer {
  const ageMs = cache.ageMs(answer);
  const { body, etag } = answer;
  return { body, etag, age: Math.floor(ageMs / 1_000), cacheStatus: `holdfast; ${how}; ttl=${ttlOf(ageMs)}` };
}

/** For how long it will be answered without another word of the stream, in whole seconds. */
function ttlOf(ageMs: number): number {
  return Math.max(0, Math.round(1 - ageMs / 1_000));
}
