import type { Clock } from '../../kernel/clock.ts';
import { Problem, validationFailed } from '../../kernel/problem.ts';
import {
  EgressError,
  retryAfterMs,
  signedHeaders,
  type Egress,
  type EgressResponse,
} from '../../platform/egress/index.ts';
import { defineJobType, PermanentError, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { configFaults, failureOf, secretOf, strikeOut, textOf } from './request.rules.ts';
import { RequestConfig } from './request.schema.ts';

export interface HttpRequestDeps {
  egress: Egress;
  clock: Clock;
}

const EXCERPT_MAX_BYTES = 65_536;
/** More is read where something has to be looked up in it. */
const JSON_MAX_BYTES = 1_048_576;
const SNIPPET_MAX_LENGTH = 500;
const CONNECT_TIMEOUT_MS = 5_000;

/** The target asked to be left alone for a while. */
export class NotNowError extends Error {
  override readonly name = 'NotNowError';
  readonly retryAfterMs: number;

  constructor(message: string, forMs: number) {
    super(message);
    this.retryAfterMs = forMs;
  }
}

export function httpRequestType({ egress, clock }: HttpRequestDeps): JobType {
  return defineJobType({
    name: 'http_request',
    title: 'Send an HTTP request',
    description:
      'Calls a URL, signed if you like, and judges the answer by its status or by a value in it. The result is the status and the first 64 KiB of the answer.',
    config: RequestConfig,
    defaults: { timeoutMs: 330_000, retries: 5 },
    check: async (config) => {
      const faults = configFaults(config);
      if (faults.length > 0) throw validationFailed(faults);
      await egress.checkTarget(config.url, '/config/url');
    },
    run: async (context) => {
      const { config } = context;
      context.progress(null, 'waiting for the answer');
      const answer = await answerOf(egress, context, clock.now());
      // Broken off behind its head, it is an answer all the same.
      context.signal.throwIfAborted();
      const shown = (text: string): string => strikeOut(text, config);
      const failure = failureOf(config.success ?? {}, answer, shown);
      const response = shown(excerptOf(answer.body));
      if (failure !== null) {
        if (response !== '') context.log('warn', `The answer began: ${response.slice(0, SNIPPET_MAX_LENGTH)}`);
        throw errorOf(failure, answer, clock.now());
      }
      return {
        status: answer.status,
        contentType: answer.headers['content-type'] ?? null,
        durationMs: answer.durationMs,
        response,
        isWhole: answer.isComplete && answer.body.length <= EXCERPT_MAX_BYTES,
      };
    },
  });
}

/** @throws PermanentError for a target that is forbidden; EgressError where no answer came */
async function answerOf(egress: Egress, context: RunContext<RequestConfig>, nowMs: number): Promise<EgressResponse> {
  const { config, signal } = context;
  const { method = 'POST', timeoutMs = 30_000 } = config;
  const body = config.body === undefined ? {} : { body: textOf(config.body) };
  try {
    return await egress.request({
      url: config.url,
      method,
      headers: headersOf(context, nowMs),
      ...body,
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
      timeoutMs,
      bodyTimeoutMs: timeoutMs,
      maxResponseBytes: config.success?.json === undefined ? EXCERPT_MAX_BYTES : JSON_MAX_BYTES,
      signal,
    });
  } catch (error) {
    if (error instanceof Problem) throw new PermanentError(error.detail);
    if (error instanceof EgressError && error.failure === 'aborted') signal.throwIfAborted();
    throw error;
  }
}

/** A repeat of a run carries its id again: a receiver that remembers ids does nothing twice. */
function headersOf({ config, runId }: RunContext<RequestConfig>, nowMs: number): Record<string, string> {
  const { method = 'POST', body, authorization, signingSecret } = config;
  const secret = signingSecret === undefined ? null : secretOf(signingSecret);
  const own: Record<string, string> = {
    'user-agent': 'Holdfast-Jobs',
    ...(body === undefined ? {} : { 'content-type': typeof body === 'string' ? TEXT : JSON_TYPE }),
    ...(method === 'GET' || method === 'HEAD' ? {} : { 'idempotency-key': runId }),
  };
  for (const [name, value] of Object.entries(config.headers ?? {})) own[name.toLowerCase()] = value;
  return {
    ...own,
    ...(authorization === undefined ? {} : { authorization }),
    ...(secret === null ? {} : signedHeaders({ id: runId, body: textOf(body), nowMs }, [secret])),
  };
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

function errorOf(
  { message, isPermanent }: { message: string; isPermanent: boolean },
  answer: EgressResponse,
  nowMs: number,
): Error {
  if (isPermanent) return new PermanentError(message);
  const forMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  return forMs > 0 ? new NotNowError(message, forMs) : new Error(message);
}

/** What is no text is replaced, so that it can be stored and shown. */
function excerptOf(body: Buffer): string {
  const text = body.subarray(0, EXCERPT_MAX_BYTES).toString('utf8');
  return text.replaceAll(/[^\P{Cc}\r\n\t]/gu, '\ufffd').toWellFormed();
}
