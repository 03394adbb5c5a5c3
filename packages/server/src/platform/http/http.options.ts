import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Problem } from '../../kernel/problem.ts';
import type { Authenticate } from '../auth/index.ts';
import type { Logger } from '../log/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { RequestLimiter } from './request.limit.ts';

/** The server that routes are declared on: their schemas type params, query, body and answer. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Declares the routes of one module. */
export type Routes = (app: HttpServer) => void | Promise<void>;

/** Whose `X-Forwarded-*` are believed: nobody's, everybody's, so many hops', or these addresses' and blocks'. */
export type TrustProxy = boolean | number | string[];

export interface HttpConfig {
  bodyLimitBytes: number;
  /** For routes with `bodyLimit: 'bulk'`. */
  bulkBodyLimitBytes: number;
  /** Origins that may call from a browser; none answers no preflight. */
  corsOrigins: string[];
  trustProxy: TrustProxy;
  /** For a request to arrive whole. */
  requestTimeoutMs: number;
  headersTimeoutMs: number;
  /** A connection on which nothing of a large answer moves for so long is cut: its client reads no more. */
  stalledTimeoutMs: number;
  /** Longer than the idle timeout of the usual load balancers (60 s), so that they never reuse a closed connection. */
  keepAliveTimeoutMs: number;
  /** Above these the server sheds load with 503. */
  inFlightMax: number;
  eventLoopLagMaxMs: number;
}

export const HTTP_DEFAULTS: HttpConfig = {
  bodyLimitBytes: 1_048_576,
  bulkBodyLimitBytes: 10_485_760,
  corsOrigins: [],
  trustProxy: false,
  requestTimeoutMs: 120_000,
  headersTimeoutMs: 20_000,
  stalledTimeoutMs: 180_000,
  keepAliveTimeoutMs: 72_000,
  inFlightMax: 10_000,
  eventLoopLagMaxMs: 2_000,
};

/** Whether the server may be sent requests, and if not, why. */
export interface Readiness {
  ready: boolean;
  reasons: string[];
}

export interface HttpOptions {
  config: HttpConfig;
  log: Logger;
  authenticate: Authenticate;
  isReady: () => Readiness;
  metrics: Metrics;
  version: string;
  /** Charges requests to rate limits. */
  limit?: RequestLimiter;
  /** What a layer below throws that a caller can do something about, such as a database that is away; else null. */
  translateError?: (error: unknown) => Problem | null;
  /**
   * How long a server that closes waits for connections that are kept alive, taking no new ones: each is told to close
   * with its next answer. Only then are the idle ones closed, into which a request may be on its way.
   */
  lameDuckMs?: number;
  /** Checks every answer against its schema: for tests, where a wrong one must not go unseen. */
  checkAnswers?: boolean;
}
