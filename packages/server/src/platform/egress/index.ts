export { createEgress, type Egress, type EgressOptions, type EgressRequest, type EgressResponse } from './egress.ts';
export { EgressError, type EgressFailure } from './egress.error.ts';
export type { Resolve } from './resolver.ts';
export { TARGET_MAX_LENGTH } from './target.ts';
