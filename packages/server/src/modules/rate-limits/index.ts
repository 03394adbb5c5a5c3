export { Limits, type LimitsOptions } from './limits.ts';
export { rateLimitRoutes } from './rate-limit.routes.ts';
export type { StoredRule } from './rate-limit.view.ts';
export { StatsKeeper } from './stats.keeper.ts';
export { LimitedSchema } from './stats.schema.ts';
