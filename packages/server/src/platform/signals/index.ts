export { PostgresCarrier } from './postgres.carrier.ts';
export { SignalHub, type SignalHubOptions } from './signal.hub.ts';
export type { Carrier, CarrierName, Signals } from './signals.ts';
