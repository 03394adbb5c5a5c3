export { inTime, TooLate } from './in.time.ts';
export { RedisAway, RedisLink, type RedisLinkOptions } from './redis.link.ts';
