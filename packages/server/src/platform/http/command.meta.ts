import crypto from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import type { IfMatch } from '../../kernel/if.match.ts';
import { validationFailed } from '../../kernel/problem.ts';
import { canonicalJson } from './canonical.json.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** Fastify types a request by its route; any of them will do here. */
export type AnyRequest = Pick<FastifyRequest, 'id' | 'method' | 'headers' | 'caller' | 'params' | 'query' | 'body'> & {
  routeOptions: { url?: string | undefined };
  server?: Pick<FastifyInstance, 'hasTimeForMore'>;
};

/** @throws Problem `validation_failed` for a key that is no key. Runs before the body is read. */
export function checkIdempotencyKey(key: string | string[] | undefined): void {
  if (key === undefined || (typeof key === 'string' && KEY.test(key))) return;
  const message = 'must be 1 to 255 visible ASCII characters, given once';
  throw validationFailed([{ path: 'Idempotency-Key', message }]);
}

/** What a command carries of its request. The digest is only made where there is a key. */
export function metaOf(request: AnyRequest): CommandMeta {
  const { actor, owner } = request.caller;
  const key = request.headers['idempotency-key'];
  const idempotency = typeof key === 'string' ? { owner, key, requestHash: requestHash(request) } : null;
  const meta = { actor, requestId: request.id, idempotency };
  return request.server === undefined ? meta : { ...meta, hasTimeForMore: request.server.hasTimeForMore };
}

/** Path and query count as they were understood, not as they were spelled: `%2D` is a hyphen. */
function requestHash({ method, routeOptions, params, query, body }: AnyRequest): string {
  const understood = [method, routeOptions.url ?? '', params ?? null, query ?? null, body ?? null];
  return crypto.createHash('sha256').update(canonicalJson(understood)).digest('hex');
}

/** Nobody's secret rests on it: it only has to differ. */
function digestOf(body: string): string {
  // Half as dear as a Hash object, from Node 20.12 on.
  const { hash } = crypto as { hash?: typeof crypto.hash };
  return hash === undefined
    ? crypto.createHash('sha1').update(body).digest('base64url')
    : hash('sha1', body, 'base64url');
}

/** 96 bits. */
const DIGEST_LENGTH = 16;

const ENTITY_TAG = /^(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** The tag of a resource whose version tells all of it. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * The tag of an answer that shows more than its version tells, such as names of other resources. Where there is a version
 * it leads, so that the tag will do for If-Match.
 */
export function etagOfBody(body: string, version: number | null = null): string {
  const digest = digestOf(body).slice(0, DIGEST_LENGTH);
  return version === null ? `"${digest}"` : `"${version}.${digest}"`;
}

/** As a resource with this version would be tagged. */
const VERSION = /^(0|[1-9]\d{0,14})(?:\.[\w-]{16})?$/;

/**
 * The versions of which the resource must still have one, from `If-Match: "3"`; null when the header is absent or `*`.
 *
 * A weak tag is taken as its version, because proxies that compress weaken them; of one that says more than a version the
 * version counts. A tag that no version of anything has names none.
 *
 * @throws Problem `validation_failed` when it is no list of entity tags
 */
export function ifMatchOf(request: Pick<FastifyRequest, 'headers'>): IfMatch {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return null;
  // No tag of ours holds a comma.
  const tags = header.split(',').map((tag) => ENTITY_TAG.exec(tag.trim())?.[1]);
  if (tags.includes(undefined)) {
    throw validationFailed([{ path: 'If-Match', message: 'must be entity tags, such as "3", or *' }]);
  }
  return tags.flatMap((tag) => VERSION.exec(tag ?? '')?.[1] ?? []).map(Number);
}

/**
 * Sends a finished answer as it is: its body is JSON already. A handler returns what this returns. It is typed as nothing,
 * because Fastify types a handler by the values it may return, and mostly is nothing: a reply that is returned is awaited
 * until its last byte is out, which no handler needs. Only where a hook sends later is it the reply.
 */
export function sendAnswer(reply: { readonly raw: ServerResponse }, answer: Answer): void {
  const anyReply = reply as unknown as FastifyReply;
  anyReply.code(answer.status);
  if (answer.headers != null) anyReply.headers(answer.headers);
  if (answer.replayed === true) anyReply.header('idempotency-replayed', 'true');
  if (answer.body === null) anyReply.send();
  else anyReply.header('content-type', 'application/json; charset=utf-8').send(answer.body);
  return anyReply.sent ? undefined : (anyReply as unknown as undefined);
}
