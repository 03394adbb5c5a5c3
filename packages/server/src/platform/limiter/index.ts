export { algorithmOf, emptyState, type CounterState } from './counter.algorithms.ts';
export * from './limit.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory.store.ts';
export {
  compileGlob,
  GLOB_MAX_LENGTH,
  globFault,
  normalisedPath,
  REST,
  segmentsOf,
  type PathGlob,
  type TemplatePart,
} from './path.glob.ts';
export { RedisStore, type RedisDoor } from './redis.store.ts';
export { SharedLimiter } from './shared.limiter.ts';
