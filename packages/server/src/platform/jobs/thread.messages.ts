import type { LogLevel } from './job.type.ts';

/** What the server and a thread that runs a user's type say to one another. `run` counts the runs of a thread. */

/** What a run is told of itself. */
export interface RunFacts {
  runId: string;
  jobId: string;
  jobName: string;
  attempt: number;
  startedBy: string;
  config: unknown;
}

/** A request to Holdfast's own API. */
export interface ThreadCall {
  method: string;
  /** Below /api/v1, with its query. */
  path: string;
  /** JSON text; null: none. */
  body: string | null;
  /** Names the call within its run; null: it is known by what it asks. */
  key: string | null;
}

export type Outcome = { isGood: true; value: unknown } | { isGood: false; message: string };

export type ToThread =
  | { kind: 'run'; run: number; facts: RunFacts }
  | { kind: 'abort'; run: number; name: string; message: string }
  /** To a call, or a file that was written. */
  | { kind: 'answer'; run: number; id: number; outcome: Outcome }
  /** The next piece of a file, please. */
  | { kind: 'pull'; run: number; id: number };

export type FromThread =
  /** The file was loaded: its type as JSON, without `run`. */
  | { kind: 'loaded'; description: string }
  | { kind: 'unfit'; reason: string }
  | { kind: 'progress'; run: number; percent: number | null; message: string | null }
  | { kind: 'log'; run: number; level: LogLevel; message: string }
  | { kind: 'call'; run: number; id: number; call: ThreadCall }
  | { kind: 'file'; run: number; id: number; name: string; mediaType: string }
  | { kind: 'piece'; run: number; id: number; piece: Piece }
  | { kind: 'done'; run: number; result: string }
  | { kind: 'failed'; run: number; message: string; isPermanent: boolean };

/** Bytes of a file, its end, or why there are no more. */
export type Piece = { bytes: Uint8Array } | { isEnd: true } | { error: string };

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
