import type { ConnectionConfig } from '../platform/database/index.ts';

/** What the primary tells a worker. */
export type ToWorker =
  /** The first ones listen at once and answer 503; one that takes a dead one's place, when it can serve. */
  | { do: 'listen'; port: number; when: 'now' | 'open' }
  | { do: 'open'; connection: ConnectionConfig }
  | { do: 'stop' }
  /** Send your metrics. */
  | { do: 'report'; round: number }
  /** Here are everybody's, as you asked. */
  | { do: 'take'; id: number; reports: MetricsReport[] };

/** What a worker tells the primary. */
export type ToPrimary =
  /** It can take messages. */
  | { is: 'born' }
  | { is: 'ready'; address: string }
  | { is: 'failed'; message: string }
  | { is: 'reporting'; round: number; report: MetricsReport }
  | { is: 'asking'; id: number };

/** What prom-client's registry gives as JSON. */
export type MetricsReport = object[];

/** Node's cluster has messages of its own on the same channel. */
export function isToWorker(message: unknown): message is ToWorker {
  return typeof message === 'object' && message !== null && 'do' in message;
}

export function isToPrimary(message: unknown): message is ToPrimary {
  return typeof message === 'object' && message !== null && 'is' in message;
}
