import type { FastifyReply, FastifyRequest, preHandlerHookHandler, RouteOptions } from 'fastify';
import { Problem } from '../../kernel/problem.ts';
import { ANONYMOUS, type Caller } from '../auth/index.ts';

/** Of a request, what limits look at. */
export interface LimitedRequest extends Pick<FastifyRequest, 'caller' | 'headers' | 'params' | 'body'> {
  /** undefined once the client has gone. */
  readonly ip: string | undefined;
}
export type LimitedReply = Pick<FastifyReply, 'header' | 'raw'>;

/** Of a route, what limits look at. */
export interface LimitedRoute {
  method: string;
  url: string;
  /** Its bodies have many lines, and each is work. */
  isBulk: boolean;
}

/**
 * Charges the requests of one route. Each answers at once where it can.
 *
 * @throws Problem `rate_limited`, either way
 */
export interface RouteCharges {
  /** It is known who asks, and nothing was done yet. Without valid credentials nobody asks. */
  enter(request: LimitedRequest, reply: LimitedReply): void | Promise<void>;
  /** The body of a bulk route was read. */
  body(request: LimitedRequest, reply: LimitedReply): void | Promise<void>;
}

/** How busy the server is. */
export interface Load {
  readonly inFlight: number;
  readonly lagMs: number;
}

export interface RequestLimiter {
  /** What charges the requests of a route, by the rules that hold at each moment; null where none ever will. */
  forRoute(route: LimitedRoute): RouteCharges | null;
  /** What rules may adapt to. */
  observe(load: Load): void;
}

/** Made for each route while it is declared. */
export function chargesOf(limiter: RequestLimiter | undefined, route: RouteOptions): RouteCharges | null {
  if (limiter === undefined) return null;
  const isBulk = route.config?.bodyLimit === 'bulk';
  const charges = limiter.forRoute({ method: String(route.method), url: route.url, isBulk });
  if (charges === null || !isBulk) return charges;
  const chargeBody: preHandlerHookHandler = (request, reply, done) => {
    settle(() => charges.body(request, reply), done);
  };
  const others = route.preHandler ?? [];
  route.preHandler = [chargeBody, ...(Array.isArray(others) ? others : [others])] as preHandlerHookHandler[];
  return charges;
}

/**
 * Nobody was let in: the request is charged as nobody's, so that who tries one key after the other is limited by address,
 * and is told so in place of the 401.
 */
export function chargeRefused(
  charges: RouteCharges | null,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: unknown,
  done: (error: Error) => void,
): void {
  const isLetIn = (request.caller as Caller | null) !== null;
  const isRefused = refusal instanceof Problem && (refusal.status === 401 || refusal.status === 403);
  if (charges === null || isLetIn || !isRefused) return done(refusal as Error);
  request.caller = ANONYMOUS;
  settle(
    () => charges.enter(request, reply),
    (error) => done(error ?? refusal),
  );
}

function settle(charge: () => void | Promise<void>, done: (error?: Error) => void): void {
  try {
    const charging = charge();
    if (charging === undefined) return done();
    charging.then(() => done(), done);
  } catch (error) {
    done(error as Error);
  }
}
