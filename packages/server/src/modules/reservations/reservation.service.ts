import type { Engine, Expiry, ReserveRequest, Sourcing } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { instantMs } from '../../kernel/instant.ts';
import { validationFailed, type FieldError } from '../../kernel/problem.ts';
import { commitInChunks } from '../bulk.chunks.ts';
import { BATCH_LINES_MAX, type ReservationBody, type ReserveOneBody } from './reservation.body.schema.ts';

/** Reservations of one commit, at most. */
const CHUNK_MAX = 500;
/** Lines of one commit, at most, except where one reservation has more. */
const CHUNK_LINES_MAX = 1_000;
/** So many faults are told, as of shapes. */
const ERRORS_MAX = 100;

interface ExpiryBody {
  expiresAt?: string;
  ttlSeconds?: number;
}

/** @throws Problem 400 where both are given */
export function expiryOf(body: ExpiryBody): Expiry {
  refuse(expiryFaults(body, ''));
  const { expiresAt, ttlSeconds } = body;
  if (ttlSeconds !== undefined) return { ttlSeconds };
  return expiresAt === undefined ? {} : { expiresAt: instantMs(expiresAt) };
}

/** @throws Problem 400 where it does not fit together */
export function sourcingOf(sourcing: Sourcing): Sourcing {
  refuse(sourcingFaults(sourcing, ''));
  return sourcing;
}

function expiryFaults({ expiresAt, ttlSeconds }: ExpiryBody, at: string): FieldError[] {
  if (expiresAt === undefined || ttlSeconds === undefined) return [];
  return [{ path: `${at}/ttlSeconds`, message: 'cannot be given together with expiresAt' }];
}

function sourcingFaults({ strategy, near }: Sourcing, at: string): FieldError[] {
  if ((strategy === 'nearest') === (near !== undefined)) return [];
  const message = near === undefined ? 'is needed by the strategy nearest' : 'belongs to the strategy nearest';
  return [{ path: `${at}/sourcing/near`, message }];
}

/** What the shape alone cannot say. */
function faultsOf(body: ReservationBody, at: string): FieldError[] {
  return [...expiryFaults(body, at), ...sourcingFaults(body.sourcing ?? {}, at)];
}

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw validationFailed(errors.slice(0, ERRORS_MAX));
}

function requestOf(body: ReservationBody): ReserveRequest {
  const { expiresAt: _expiresAt, ttlSeconds: _ttlSeconds, ...rest } = body;
  return { ...rest, ...expiryOf(body) };
}

export async function reserve(engine: Engine, body: ReservationBody, meta: CommandMeta): Promise<Answer> {
  refuse(faultsOf(body, ''));
  return engine.submit({ kind: 'reserve', request: requestOf(body) }, meta);
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
  refuse(bodies.flatMap((body, index) => faultsOf(body, `/reservations/${index}`)));
  return commitInChunks(chunksByLines(bodies.map(requestOf)), meta, (chunk, offset, chunkMeta) =>
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
