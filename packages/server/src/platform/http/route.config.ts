import type { Caller, Scope } from '../auth/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** Who may call: a caller with this scope, or anybody. A route without it does not start. */
    scope?: Scope | 'public';
    /** In bytes, where it is not the usual one; `bulk` is the configured one for bulk routes. */
    bodyLimit?: number | 'bulk';
    /** It answers for as long as the client listens: its duration says nothing, and load is not shed by it. */
    stream?: boolean;
  }
}
