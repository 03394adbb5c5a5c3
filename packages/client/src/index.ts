export { createHoldfast, type Holdfast, type HoldfastOptions } from './client.ts';
export { HoldfastError, type Problem } from './error.ts';
export type { components, operations, paths } from './openapi.ts';
