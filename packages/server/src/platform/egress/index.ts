export { createEgress, type Egress, type EgressOptions, type EgressRequest, type EgressResponse } from './egress.ts';
export { EgressError, type EgressFailure } from './egress.error.ts';
export { signedHeaders } from './message.signature.ts';
export type { Resolve } from './resolver.ts';
export { retryAfterMs } from './retry.after.ts';
export { TARGET_MAX_LENGTH } from './target.ts';
