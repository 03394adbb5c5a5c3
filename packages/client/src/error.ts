/** RFC 9457 problem details, as every refusal of the server carries them. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable: what programs look at, such as `insufficient_stock`. */
  code: string;
  instance?: string;
  /** Every wrong field of a `validation_failed`. */
  errors?: { path: string; message: string }[];
  [extension: string]: unknown;
}

/** The server refused, or could not be reached. */
export class HoldfastError extends Error {
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The problem's code; `unreachable`, or `unexpected_answer` where somebody else answered, such as a proxy. */
  readonly code: string;
  readonly problem: Problem | null;
  /** To find the request in the server's log. */
  readonly requestId: string | null;

  constructor(status: number, problem: Problem | null, requestId: string | null, options?: ErrorOptions) {
    super(problem?.detail ?? (status === 0 ? 'Holdfast cannot be reached' : `Holdfast answered ${status}`), options);
    this.name = 'HoldfastError';
    this.status = status;
    this.code = problem?.code ?? (status === 0 ? 'unreachable' : 'unexpected_answer');
    this.problem = problem;
    this.requestId = requestId;
  }
}
