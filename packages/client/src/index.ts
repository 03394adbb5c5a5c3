export { createHoldfast, type Holdfast, type HoldfastOptions } from './client.ts';
export { HoldfastError, type Problem } from './error.ts';
export { followEvents, type FollowOptions, type LiveState } from './live.ts';
export type { EventData, EventOf, EventType, HoldfastEvent, RateLimitLimited } from './live.types.ts';
export type { components, operations, paths } from './openapi.ts';
export {
  createRateLimiter,
  rateLimitHeaders,
  type RateLimitCheck,
  type RateLimitDecision,
  type RateLimiter,
  type RateLimiterOptions,
} from './rate.limiter.ts';
