import type { Caller, Scope } from '../auth/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
    /** Whether it counts as under way. */
    inFlight: boolean;
  }
  interface FastifyContextConfig {
    /**
     * Who may call: a caller with this scope, any caller who is known (for what is their own), or anybody. A route without
     * it does not start.
     */
    scope?: Scope | 'known' | 'public';
    /** In bytes, where it is not the usual one; `bulk` is the configured one for bulk routes. */
    bodyLimit?: number | 'bulk';
    /** Its answers carry an ETag that tells them apart: If-None-Match is answered 304 where nothing has changed. */
    conditional?: boolean;
    /** `false`: each call counts, repeated or not. An Idempotency-Key has no effect there, and is not offered. */
    idempotent?: false;
    /** It answers for as long as the client listens: its duration says nothing, and it does not count as load. */
    stream?: boolean;
    /** `false`: it is answered however much there is to do. For what costs little and keeps load away from others. */
    shed?: false;
  }
}

/** The methods that change something, and take an Idempotency-Key. */
export const COMMAND_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
