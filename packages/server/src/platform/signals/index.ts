export { PostgresCarrier } from './postgres.carrier.ts';
export { RedisCarrier, type RedisCarrierOptions } from './redis.carrier.ts';
export { SignalHub, type SignalHubOptions } from './signal.hub.ts';
export type { Carrier, CarrierName, Signals } from './signals.ts';
