import type { Transaction } from 'kysely';
import type { Static, TObject } from 'typebox';
import type { CommandMeta } from '../../kernel/command.ts';
import type { Tables } from '../database/index.ts';

export type LogLevel = 'info' | 'warn' | 'error';

/** A file that a run has made, as it can be fetched with the run. */
export interface RunFile {
  name: string;
  mediaType: string;
  /** Bytes. */
  size: number;
}

/** What one attempt of a run is given to work with. */
export interface RunContext<Config = unknown> {
  readonly runId: string;
  readonly jobId: string;
  readonly jobName: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Who asked for the run: a caller, or `system:jobs` for a schedule. */
  readonly startedBy: string;
  /** The instant of the schedule that the run stands for, which may be long past; null: it stands for none. */
  readonly tickMs: number | null;
  /** Valid by the type's schema, with the schema's defaults. */
  readonly config: Config;
  /**
   * Aborted when the run is cancelled, has used up its time, or is no longer this worker's. Its reason is an Error. Work
   * that goes on all the same is left behind a few seconds later, and whatever it still writes is refused.
   */
  readonly signal: AbortSignal;
  /** How far it is. Cheap: call it as often as you like. @param percent 0 to 100; null where nobody can say */
  readonly progress: (percent: number | null, message?: string) => void;
  /** A line of the run's log. */
  readonly log: (level: LogLevel, message: string) => void;
  /**
   * An effect in our own database that happens exactly once in a run, however often the run is attempted and whoever
   * attempts it: `work` and the note that it was done commit together, only while this attempt holds the run.
   *
   * @param key names the effect within the run
   * @returns what `work` gave, now or in an earlier attempt; it must be JSON
   * @throws RunLostError where the run is no longer this worker's
   */
  readonly once: <Result>(
    key: string,
    work: (tx: Transaction<Tables>, nowMs: number) => Promise<Result>,
  ) => Promise<Result>;
  /** For a command to the engine: an attempt that repeats it under the same key gets the first one's answer. */
  readonly meta: (key: string) => CommandMeta;
  /** Keeps a file with the run. A later attempt replaces it. */
  readonly writeFile: (
    file: { name: string; mediaType: string },
    content: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  ) => Promise<RunFile>;
}

/**
 * A kind of work that jobs can be made of. A module registers its own; `run` gives the result that the run shows, which
 * must be JSON. An error fails the attempt; `PermanentError` fails the run whatever attempts it has left.
 */
export interface JobType<Schema extends TObject = TObject> {
  /** snake_case: `import_stock`. */
  name: string;
  /** Imperative, for people: "Import stock". */
  title: string;
  /** What it does and what its result is, in a sentence or two. */
  description: string;
  /** Of a job's `config`: an object without further members, each with a description. */
  config: Schema;
  /** Runs of this type at once, over all instances; absent: as many as there are slots. */
  concurrency?: number;
  /** What a job of this type has unless it says otherwise. */
  defaults?: { timeoutMs?: number; retries?: number; keepDays?: number };
  /**
   * Of Holdfast's own jobs alone: one job of the type is there from the start and cannot be deleted. `continuous` is a duty
   * that every instance does all the time; it is shown, and `run` is never called.
   */
  system?: { jobName: string; kind: 'continuous' } | { jobName: string; kind: 'scheduled'; schedule: string };
  /** Refuses what the schema cannot: called when a job is made or changed. @throws Problem `validation_failed` */
  check?(config: Static<Schema>): Promise<void> | void;
  run(context: RunContext<Static<Schema>>): Promise<unknown>;
}

/** Declares a type; its config is typed by its schema. */
export function defineJobType<Schema extends TObject>(type: JobType<Schema>): JobType {
  return type;
}

/** Trying again would not help: the run fails at once. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}

/** The run is no longer this worker's: it was cancelled, ran out of time, or was taken up by another. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError';
}
