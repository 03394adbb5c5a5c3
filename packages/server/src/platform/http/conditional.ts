import type { FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import type { HttpServer } from './http.options.ts';

/**
 * Lets clients keep what routes with `conditional` answer, and ask whether it still holds (RFC 9110, section 13): each
 * answer carries an ETag that tells it from every other state of the resource, and a request whose If-None-Match names it
 * is answered 304, without a body. Nobody may use what was kept without asking: `no-cache`.
 */
export function answerConditionally(app: HttpServer): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.conditional !== true) return;
    const others = route.onSend ?? [];
    route.onSend = [revalidate, ...(Array.isArray(others) ? others : [others])] as onSendHookHandler[];
  });
}

function revalidate(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
): void {
  const tag = reply.getHeader('etag');
  if (reply.statusCode !== 200 || typeof tag !== 'string') return done(null, payload);
  reply.header('cache-control', 'private, no-cache');
  const known = request.headers['if-none-match'];
  if (known === undefined || !names(known, tag)) return done(null, payload);
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  done(null, '');
}

/** "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match." */
function names(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  // No tag of ours holds a comma.
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

/** Whether a request asks for the present state, and nothing that was kept (RFC 9111, section 5.2.1). */
export function wantsFresh(request: Pick<FastifyRequest, 'headers'>): boolean {
  const { 'cache-control': control, pragma } = request.headers;
  if (control !== undefined) return /(?:^|[\s,])(?:no-cache|no-store|max-age\s*=\s*"?0+"?)(?:$|[\s,])/i.test(control);
  return pragma !== undefined && /no-cache/i.test(pragma);
}
