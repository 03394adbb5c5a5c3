export { ByteLru } from './byte.lru.ts';
export { SeenOnce } from './seen.once.ts';
