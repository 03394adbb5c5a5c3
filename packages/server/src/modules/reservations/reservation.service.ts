import type { Engine, Expiry, ReserveRequest, Sourcing } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { validationFailed, type FieldError } from '../../kernel/problem.ts';
import { parseTimestamp } from '../../platform/http/index.ts';
import { commitInChunks } from '../bulk.chunks.ts';
import { BATCH_LINES_MAX, type ReservationBody, type ReserveOneBody } from './reservation.body.schema.ts';

/** Reservations of one commit, at most. */
const CHUNK_MAX = 500;
/** Lines of one commit, at most, except where one reservation has more. */
const CHUNK_LINES_MAX = 1_000;

interface ExpiryBody {
  expiresAt?: string;
  ttlSeconds?: number;
}

/** @throws Problem 400 where both are given, or the sourcing does not fit together */
export function reserveRequestOf(body: ReservationBody, at = ''): ReserveRequest {
  const { expiresAt: _expiresAt, ttlSeconds: _ttlSeconds, sourcing, ...rest } = body;
  return { ...rest, ...expiryOf(body, at), ...(sourcing === undefined ? {} : { sourcing: sourcingOf(sourcing, at) }) };
}

export function expiryOf({ expiresAt, ttlSeconds }: ExpiryBody, at = ''): Expiry {
  if (expiresAt !== undefined && ttlSeconds !== undefined) {
    throw validationFailed([{ path: `${at}/ttlSeconds`, message: 'cannot be given together with expiresAt' }]);
  }
  if (ttlSeconds !== undefined) return { ttlSeconds };
  if (expiresAt === undefined) return {};
  const atMs = parseTimestamp(expiresAt);
  if (atMs === null) throw validationFailed([{ path: `${at}/expiresAt`, message: 'must be an RFC 3339 time' }]);
  return { expiresAt: atMs };
}

export function sourcingOf(sourcing: Sourcing, at = ''): Sourcing {
  const errors: FieldError[] = [];
  if (sourcing.strategy === 'nearest' && sourcing.near === undefined) {
    errors.push({ path: `${at}/sourcing/near`, message: 'is needed by the strategy nearest' });
  }
  if (sourcing.near !== undefined && sourcing.strategy !== 'nearest') {
    errors.push({ path: `${at}/sourcing/near`, message: 'belongs to the strategy nearest' });
  }
  if (errors.length > 0) throw validationFailed(errors);
  return sourcing;
}

export async function reserve(engine: Engine, body: ReservationBody, meta: CommandMeta): Promise<Answer> {
  return engine.submit({ kind: 'reserve', request: reserveRequestOf(body) }, meta);
}

/** A one-line reservation. */
export async function reserveOne(
  engine: Engine,
  sku: string,
  body: ReserveOneBody,
  meta: CommandMeta,
): Promise<Answer> {
  const { quantity, location, attributes, expiresAt: _expiresAt, ttlSeconds: _ttlSeconds, ...rest } = body;
  const line = { sku, quantity, ...(location === undefined ? {} : { location }), attributes: attributes ?? null };
  return engine.submit({ kind: 'reserve', request: { ...rest, ...expiryOf(body), lines: [line] } }, meta);
}

/** Each on its own, in chunks of one commit each. */
export async function reserveMany(engine: Engine, bodies: ReservationBody[], meta: CommandMeta): Promise<Answer> {
  const lines = bodies.reduce((sum, body) => sum + body.lines.length, 0);
  if (lines > BATCH_LINES_MAX) {
    throw validationFailed([{ path: '/reservations', message: `must have at most ${BATCH_LINES_MAX} lines in all` }]);
  }
  const requests = bodies.map((body, index) => reserveRequestOf(body, `/reservations/${index}`));
  return commitInChunks(chunksByLines(requests), meta, (chunk, offset, chunkMeta) =>
    engine.submit({ kind: 'reserveMany', requests: chunk, offset }, chunkMeta),
  );
}

function chunksByLines(requests: ReserveRequest[]): ReserveRequest[][] {
  const chunks: ReserveRequest[][] = [];
  let chunk: ReserveRequest[] = [];
  let lines = 0;
  for (const request of requests) {
    if (chunk.length > 0 && (chunk.length === CHUNK_MAX || lines + request.lines.length > CHUNK_LINES_MAX)) {
      chunks.push(chunk);
      [chunk, lines] = [[], 0];
    }
    chunk.push(request);
    lines += request.lines.length;
  }
  chunks.push(chunk);
  return chunks;
}
