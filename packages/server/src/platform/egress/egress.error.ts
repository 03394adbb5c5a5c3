import { Problem } from '../../kernel/problem.ts';

/** Why no answer came. */
export type EgressFailure =
  | 'name_not_resolved'
  | 'connect_failed'
  | 'connect_timeout'
  | 'tls_failed'
  | 'timeout'
  | 'connection_lost'
  | 'no_http'
  | 'aborted';

const MEANINGS: Record<EgressFailure, string> = {
  name_not_resolved: 'the name could not be resolved',
  connect_failed: 'no connection could be made',
  connect_timeout: 'no connection was made in time',
  tls_failed: 'TLS failed',
  timeout: 'no answer came in time',
  connection_lost: 'the connection was lost before an answer came',
  no_http: 'what was answered is no HTTP',
  aborted: 'it was broken off by us',
};

/** A call that got no answer. */
export class EgressError extends Error {
  readonly failure: EgressFailure;
  /** It was lost on a connection that had been kept open: worth a fresh one. */
  readonly isStaleConnection: boolean;

  constructor(failure: EgressFailure, options: { cause?: unknown; isStaleConnection?: boolean } = {}) {
    const code = codeOf(options.cause);
    super(code === '' ? MEANINGS[failure] : `${MEANINGS[failure]} (${code})`, { cause: options.cause });
    this.name = 'EgressError';
    this.failure = failure;
    this.isStaleConnection = options.isStaleConnection ?? false;
  }
}

/** Problems of the guard go through as they are. */
export function toEgressError(error: unknown): Problem | EgressError {
  if (error instanceof Problem || error instanceof EgressError) return error;
  return new EgressError(failureOf(codeOf(error)), { cause: error });
}

const FAILURES: readonly (readonly [RegExp, EgressFailure])[] = [
  [
    /^(?:ENOTFOUND|ENODATA|EAI_\w+|ESERVFAIL|ETIMEOUT|EREFUSED|ENONAME|EBADNAME|EBADRESP|EFORMERR)$/,
    'name_not_resolved',
  ],
  [/^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EINVAL)$/, 'connect_failed'],
  [/^ETIMEDOUT$/, 'connect_timeout'],
  [/^HPE_/, 'no_http'],
  [/^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|ERR_OSSL|HOSTNAME_MISMATCH)/, 'tls_failed'],
];

function failureOf(code: string): EgressFailure {
  return FAILURES.find(([pattern]) => pattern.test(code))?.[1] ?? 'connection_lost';
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
