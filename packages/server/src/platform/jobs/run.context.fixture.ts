import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Static, TObject } from 'typebox';
import { Default } from 'typebox/value';
import type { Database } from '../database/index.ts';
import { createAjv } from '../http/validator.ts';
import { RunLostError, type JobType, type LogLevel, type RunContext, type RunFile } from './job.type.ts';

export interface FixtureRunOptions<Config> {
  database: Database;
  /** As a type's `run` gets it: valid, with the defaults. {@link configOf} makes it so. */
  config: Config;
  runId?: string;
  jobId?: string;
  jobName?: string;
  attempt?: number;
  startedBy?: string;
  tickMs?: number | null;
}

/** A run of a test, and what was seen of it. */
export interface FixtureRun<Config = unknown> extends RunContext<Config> {
  readonly logs: { level: LogLevel; message: string }[];
  readonly progressed: { percent: number | null; message: string | undefined }[];
  /** By name: what was last written. */
  readonly files: ReadonlyMap<string, RunFile & { bytes: Buffer }>;
  /** Results by key, of all attempts. */
  readonly done: ReadonlyMap<string, unknown>;
  /** UTF-8 text of a file of the run. */
  textOf(name: string): string;
  abort(reason?: Error): void;
  /** The next attempt of this run: it knows what was done and has its files, and a signal of its own. */
  next(): FixtureRun<Config>;
}

interface Shared {
  done: Map<string, unknown>;
  files: Map<string, RunFile & { bytes: Buffer }>;
}

/** A run in memory, over a real database: effects are real, and what the server would keep of a run can be looked at. */
export function fixtureRun<Config>(options: FixtureRunOptions<Config>): FixtureRun<Config> {
  return attemptOf({ ...options, runId: options.runId ?? randomUUID() }, { done: new Map(), files: new Map() });
}

/** A job's config as `run` gets it: with the schema's defaults. @throws Error where it does not fit the schema */
export function configOf<Schema extends TObject>(
  type: Pick<JobType<Schema>, 'name' | 'config'>,
  given: object,
): Static<Schema> {
  const config: unknown = Default(type.config, structuredClone(given));
  const ajv = createAjv();
  const fits = ajv.compile<Static<Schema>>(type.config);
  if (fits(config)) return config;
  throw new Error(`no config of ${type.name}: ${ajv.errorsText(fits.errors)}`);
}

function attemptOf<Config>(options: FixtureRunOptions<Config> & { runId: string }, shared: Shared): FixtureRun<Config> {
  const { database, config, runId, attempt = 1, startedBy = 'system:jobs', jobName = 'test' } = options;
  const controller = new AbortController();
  const logs: FixtureRun['logs'] = [];
  const progressed: FixtureRun['progressed'] = [];
  return {
    runId,
    config,
    attempt,
    startedBy,
    tickMs: options.tickMs ?? null,
    jobId: options.jobId ?? '00000000-0000-7000-8000-000000000001',
    jobName,
    signal: controller.signal,
    logs,
    progressed,
    files: shared.files,
    done: shared.done,
    progress: (percent, message) => void progressed.push({ percent, message }),
    log: (level, message) => void logs.push({ level, message }),
    once: async (key, work) => {
      if (shared.done.has(key)) return shared.done.get(key) as Awaited<ReturnType<typeof work>>;
      if (controller.signal.aborted) throw new RunLostError(`the run ${runId} is no longer ours`);
      const result = await database.kysely.transaction().execute(async (tx) => {
        const { rows } = await sql<{ now: number }>`SELECT clock_timestamp() AS now`.execute(tx);
        return work(tx, rows[0]?.now ?? 0);
      });
      // What is kept is what JSON keeps of it.
      const kept = JSON.parse(JSON.stringify(result ?? null)) as typeof result;
      shared.done.set(key, kept);
      return kept;
    },
    meta: (key) => ({
      actor: `job:${jobName}`,
      requestId: `run:${runId}`,
      idempotency: {
        owner: `run:${runId}`,
        key,
        requestHash: createHash('sha256').update(`${runId} ${key}`).digest('hex'),
      },
    }),
    writeFile: async ({ name, mediaType }, content) => {
      const chunks: Buffer[] = [];
      for await (const piece of content)
        chunks.push(typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece));
      const bytes = Buffer.concat(chunks);
      const file = { name, mediaType, size: bytes.length };
      shared.files.set(name, { ...file, bytes });
      return file;
    },
    textOf: (name) => {
      const file = shared.files.get(name);
      if (file === undefined)
        throw new Error(`the run has no file ${name}, but ${[...shared.files.keys()].join(', ')}`);
      return file.bytes.toString('utf8');
    },
    abort: (reason = new Error('cancelled')) => controller.abort(reason),
    next: () => attemptOf({ ...options, attempt: attempt + 1 }, shared),
  };
}
