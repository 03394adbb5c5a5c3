/**
 * An error that its caller is meant to see: RFC 9457 problem details. Everything else that is thrown is a defect and
 * leaves the server as a bare 500 with a request id.
 */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** What was wrong with the values that came in, and what to do about it. */
  readonly detail: string;
  /** Further members of the answer, such as `lines` of `insufficient_stock`. */
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, detail: string, extensions: Record<string, unknown> = {}, headers = kind.headers) {
    // A refusal is an answer, not a defect: no stack is taken (it was a third of the cost of refusing).
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Problem';
    this.code = kind.code;
    this.status = kind.status;
    this.title = kind.title;
    this.detail = detail;
    this.extensions = extensions;
    this.headers = headers ?? {};
  }

  /** The members of the problem document, `instance` left to the HTTP layer. */
  toJSON(): ProblemDocument {
    return {
      type: `urn:holdfast:problem:${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.detail,
      code: this.code,
      ...this.extensions,
    };
  }
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  [extension: string]: unknown;
}

/** One line of a catalogue of errors. */
export interface ProblemKind {
  code: string;
  status: number;
  title: string;
  headers?: Record<string, string>;
}

/** A wrong field of a request. `path` is a JSON Pointer into the body, or the query parameter's name. */
export interface FieldError {
  path: string;
  message: string;
}

/** The errors that any route can give. A module's own stand in its `*.problems.ts`. */
export const problems = {
  validationFailed: { code: 'validation_failed', status: 400, title: 'The request is not valid' },
  malformedJson: { code: 'malformed_json', status: 400, title: 'The body is not JSON' },
  forbiddenTarget: { code: 'forbidden_target', status: 400, title: 'Outgoing calls may not go there' },
  invalidCursor: { code: 'invalid_cursor', status: 400, title: 'The cursor does not belong to this list' },
  unauthorized: {
    code: 'unauthorized',
    status: 401,
    title: 'A valid key, token or session is needed',
    headers: { 'www-authenticate': 'Bearer realm="holdfast"' },
  },
  forbidden: { code: 'forbidden', status: 403, title: 'This caller may not do that' },
  routeNotFound: { code: 'route_not_found', status: 404, title: 'There is no such route' },
  methodNotAllowed: { code: 'method_not_allowed', status: 405, title: 'The route has no such method' },
  requestTimeout: { code: 'request_timeout', status: 408, title: 'The request took too long to arrive' },
  preconditionFailed: { code: 'precondition_failed', status: 412, title: 'The resource has changed' },
  payloadTooLarge: { code: 'payload_too_large', status: 413, title: 'The body is too large' },
  unsupportedMediaType: { code: 'unsupported_media_type', status: 415, title: 'The body must be application/json' },
  idempotencyKeyReused: {
    code: 'idempotency_key_reused',
    status: 422,
    title: 'The idempotency key belongs to another request',
  },
  headersTooLarge: { code: 'headers_too_large', status: 431, title: 'The request headers are too large' },
  internal: { code: 'internal_error', status: 500, title: 'Something went wrong on our side' },
  overloaded: {
    code: 'overloaded',
    status: 503,
    title: 'The server is shedding load',
    headers: { 'retry-after': '1' },
  },
  databaseUnavailable: {
    code: 'database_unavailable',
    status: 503,
    title: 'The database cannot be reached',
    headers: { 'retry-after': '1' },
  },
  levelBusy: {
    code: 'level_busy',
    status: 503,
    title: 'Another writer holds this stock',
    headers: { 'retry-after': '2' },
  },
  outcomeUnknown: {
    code: 'outcome_unknown',
    status: 503,
    title: 'It may have been done',
    headers: { 'retry-after': '1' },
  },
  shuttingDown: {
    code: 'shutting_down',
    status: 503,
    title: 'The server is shutting down',
    headers: { 'retry-after': '1' },
  },
} as const satisfies Record<string, ProblemKind>;

export function validationFailed(errors: FieldError[]): Problem {
  const first = errors[0];
  const detail =
    errors.length === 1 && first !== undefined
      ? `${first.path === '' ? 'The body' : first.path} ${first.message}.`
      : `${errors.length} fields are wrong: see errors.`;
  return new Problem(problems.validationFailed, detail, { errors });
}
