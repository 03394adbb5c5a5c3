export { RedisLink, type RedisLinkOptions } from './redis.link.ts';
