import { toRfc3339, type Clock } from '../../kernel/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import {
  EgressError,
  retryAfterMs,
  signedHeaders,
  type Egress,
  type EgressResponse,
} from '../../platform/egress/index.ts';
import type { AttemptView } from './delivery.schema.ts';

export interface Message {
  /** The `webhook-id`: the same on every attempt. */
  id: string;
  /** The event as JSON. */
  body: string;
}

export interface Destination {
  url: string;
  /** What signs, the lasting secret first. */
  secrets: readonly Buffer[];
}

/** What an attempt came to. */
export interface Sent {
  /** `broken_off`: by us, and it says nothing of the endpoint. */
  result: 'delivered' | 'failed' | 'gone' | 'broken_off';
  /** No answer, or one that stands before the endpoint itself: another event would fare the same. */
  isOfEndpoint: boolean;
  /** The endpoint asked to be left alone for so long. */
  retryAfterMs: number;
  attempt: AttemptView;
}

export type Send = (to: Destination, message: Message, signal?: AbortSignal) => Promise<Sent>;

const CONNECT_TIMEOUT_MS = 5_000;
const TIMEOUT_MS = 15_000;
/** The status has come by then, and says it all; of the body only the beginning is logged. */
const BODY_TIMEOUT_MS = 1_000;
const BODY_MAX_BYTES = 2_048;
const SNIPPET_MAX_LENGTH = 500;
const GONE = 410;
/** Too many requests, and what gateways answer for an endpoint that is not there. */
const OF_ENDPOINT = new Set([429, 502, 503, 504]);

export function createSender({ egress, clock }: { egress: Egress; clock: Clock }): Send {
  return async (to, message, signal) => {
    const nowMs = clock.now();
    const startedMs = clock.monotonic();
    const outcome = await answerOf(() =>
      egress.request({
        url: to.url,
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Holdfast-Webhooks',
          ...signedHeaders({ ...message, nowMs }, to.secrets),
        },
        body: message.body,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        timeoutMs: TIMEOUT_MS,
        bodyTimeoutMs: BODY_TIMEOUT_MS,
        maxResponseBytes: BODY_MAX_BYTES,
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    const timing = { at: toRfc3339(nowMs), durationMs: Math.max(0, Math.round(clock.monotonic() - startedMs)) };
    return outcome instanceof Error ? unanswered(outcome, timing) : answered(outcome, timing, nowMs);
  };
}

interface Timing {
  at: string;
  durationMs: number;
}

function answered({ status, headers, body }: EgressResponse, timing: Timing, nowMs: number): Sent {
  const isDelivered = status >= 200 && status < 300;
  const result = isDelivered ? 'delivered' : status === GONE ? 'gone' : 'failed';
  const isOfEndpoint = OF_ENDPOINT.has(status);
  return {
    result,
    isOfEndpoint,
    retryAfterMs: isOfEndpoint ? retryAfterMs(headers['retry-after'], nowMs) : 0,
    attempt: {
      ...timing,
      responseStatus: status,
      error: isDelivered ? null : errorOf(status),
      response: snippetOf(body),
    },
  };
}

function unanswered(error: Problem | EgressError, timing: Timing): Sent {
  const isOurs = error instanceof EgressError && error.failure === 'aborted';
  return {
    result: isOurs ? 'broken_off' : 'failed',
    isOfEndpoint: true,
    retryAfterMs: 0,
    attempt: { ...timing, responseStatus: null, error: error.message, response: null },
  };
}

function errorOf(status: number): string {
  const isRedirect = status >= 300 && status < 400;
  return `the endpoint answered ${status}${isRedirect ? '; redirects are not followed' : ''}`;
}

/** What is no text is replaced, so that it can be stored and shown. */
function snippetOf(body: Buffer): string | null {
  const text = body.toString('utf8').replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd');
  return text === '' ? null : text.slice(0, SNIPPET_MAX_LENGTH).toWellFormed();
}

async function answerOf(call: () => Promise<EgressResponse>): Promise<EgressResponse | Problem | EgressError> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Problem || error instanceof EgressError) return error;
    throw error;
  }
}
