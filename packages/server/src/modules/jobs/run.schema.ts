import { Type, type Static } from 'typebox';
import {
  FreeForm,
  NewestFirst,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  text,
  Timestamp,
  Uuid,
  Whole,
  Word,
} from '../../platform/http/schemas.ts';
import { PRIORITIES, RUN_STATUSES } from './job.schema.ts';

const TRIGGERS = ['schedule', 'catch_up', 'request', 'dependency'] as const;
const OUTCOMES = ['succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'handed_over'] as const;
const LEVELS = ['info', 'warn', 'error'] as const;

const RunStatus = Word(RUN_STATUSES, {
  description:
    '`held` waits for somebody to release it, `retrying` for its next attempt; `failed` has no attempt left and can be redriven.',
  examples: ['running'],
});

const RunError = Shape(
  {
    code: Type.String({
      description: '`failed`, `permanent`, `timed_out`, `worker_lost`.',
      examples: ['failed'],
    }),
    message: Type.String({ examples: ['The server answered 503.'] }),
  },
  { title: 'RunError' },
);

const File = Shape(
  {
    name: Type.String({ examples: ['report.csv'] }),
    mediaType: Type.String({ examples: ['text/csv'] }),
    size: Type.Integer({ description: 'Bytes.', examples: [1024] }),
  },
  { title: 'RunFile' },
);

const Attempt = Shape(
  {
    attempt: Type.Integer({ examples: [1] }),
    worker: Type.String({ examples: ['shop-1:4711'] }),
    startedAt: Timestamp,
    finishedAt: Nullable(Timestamp),
    outcome: Nullable(
      Word(OUTCOMES, {
        description: '`lost`: its worker died; `handed_over`: its worker was stopped. Neither uses up an attempt.',
        examples: ['succeeded'],
      }),
    ),
    error: Nullable(RunError),
  },
  { title: 'RunAttempt' },
);

const run = {
  id: Uuid,
  job: Shape({ id: Uuid, name: Type.String({ examples: ['Nightly import'] }) }),
  type: Type.String({ examples: ['import_stock'] }),
  status: RunStatus,
  priority: Word(PRIORITIES, { examples: ['normal'] }),
  trigger: Word(TRIGGERS, { examples: ['schedule'] }),
  startedBy: Type.String({ description: 'The actor.', examples: ['system:jobs'] }),
  cycleId: Uuid,
  tick: Nullable({ ...Timestamp, description: 'The instant of the schedule that it stands for.' }),
  dueAt: { ...Timestamp, description: 'Not before; the next attempt of one that is retrying.' },
  createdAt: Timestamp,
  startedAt: Nullable(Timestamp),
  finishedAt: Nullable(Timestamp),
  durationMs: Nullable(
    Type.Integer({ description: 'From its first attempt to its end, or to now.', examples: [1200] }),
  ),
  attempt: Type.Integer({
    description: 'The one that is under way, or was the last; 0 before the first.',
    examples: [1],
  }),
  attemptsMax: Type.Integer({ examples: [4] }),
  worker: Nullable(Type.String({ examples: ['shop-1:4711'] })),
  percent: Nullable(Type.Number({ minimum: 0, maximum: 100, examples: [40] })),
  message: Nullable(Type.String({ description: 'What it says it is doing.', examples: ['400 of 1,000 rows'] })),
  error: Nullable(RunError),
  reason: Nullable(
    Type.String({
      description: 'Why it was skipped or is held: `overlap`, `queue_full`, `dependency_failed`.',
      examples: [null],
    }),
  ),
  cancelRequestedBy: Nullable(Type.String({ description: 'It is being stopped.', examples: [null] })),
  deadline: Nullable({ ...Timestamp, examples: [null] }),
  deadlineState: Word(['none', 'ahead', 'at_risk', 'missed', 'kept'], { examples: ['none'] }),
  cachedFrom: Nullable({ ...Uuid, description: 'The run whose result it took over.', examples: [null] }),
};

/** As lists and events show it. */
export const RunSummarySchema = Shape(run, { title: 'RunSummary' });
export type RunSummary = Static<typeof RunSummarySchema>;

export const RunSchema = Shape(
  {
    ...run,
    config: Type.Unsafe<object>({ type: 'object', description: 'As it was when the run was made.', examples: [{}] }),
    result: Type.Unsafe<unknown>({ description: 'What it gave; null before.', examples: [{ rows: 1000 }] }),
    attempts: Type.Array(Attempt, { description: 'Oldest first.' }),
    files: Type.Array(File),
    logLines: Type.Integer({ examples: [12] }),
  },
  { title: 'Run' },
);
export type RunView = Static<typeof RunSchema>;

export const RunPage = PageOf(RunSummarySchema);
export const RunPath = Shape({ id: Uuid });
export const RunFilePath = Shape({
  id: Uuid,
  name: text(200, { description: 'As the run lists it among its files.' }),
});

export const RunQuery = Shape({
  ...PageQuery,
  status: Type.Optional(RunStatus),
  jobId: Type.Optional({ ...Uuid, description: 'Only runs of this job.' }),
  type: Type.Optional(text(63, { description: 'Only runs of jobs of this type.' })),
  cycleId: Type.Optional({ ...Uuid, description: 'Only runs of this pass through a graph of jobs.' }),
  sort: NewestFirst,
});
export type RunQuery = Static<typeof RunQuery>;

export const HistoryQuery = Shape({
  ...PageQuery,
  status: Type.Optional(RunStatus),
  sort: NewestFirst,
});
export type HistoryQuery = Static<typeof HistoryQuery>;

export const RunNowBody = Shape(
  {
    at: Type.Optional({ ...Timestamp, description: 'Not before this instant, which must be ahead.' }),
    delayMs: Type.Optional(
      Whole(0, 366 * 86_400_000, { description: 'Not before so long from now.', examples: [60_000] }),
    ),
    priority: Type.Optional(Word(PRIORITIES)),
    config: Type.Optional(
      FreeForm(
        { maxBytes: 2_097_152, maxDepth: 12 },
        { description: "Members that replace the job's for this run.", examples: [{ dryRun: true }] },
      ),
    ),
    fresh: Type.Optional(Type.Boolean({ description: 'true: takes over no earlier result.', default: false })),
  },
  { examples: [{ delayMs: 60_000, priority: 'high' }] },
);
export type RunNowBody = Static<typeof RunNowBody>;

export const RedriveBody = Shape({
  ids: Type.Optional(Type.Array(Uuid, { minItems: 1, maxItems: 1_000, uniqueItems: true })),
  jobId: Type.Optional({ ...Uuid, description: 'All failed runs of this job.' }),
});
export type RedriveBody = Static<typeof RedriveBody>;
export const RedriveAnswer = Shape({
  redriven: Type.Integer({ description: 'Failed runs that wait again, with all their attempts.', examples: [3] }),
  more: Type.Boolean({ description: 'There are more than the 1,000 that one call takes.', examples: [false] }),
});

export const LogQuery = Shape({
  after: Type.Optional(Whole(0, 1_000_000, { default: 0, description: 'Lines after this number.' })),
  limit: Type.Optional(Whole(1, 1_000, { default: 200, description: 'At most so many lines.' })),
});
export type LogQuery = Static<typeof LogQuery>;
export const LogAnswer = Shape(
  {
    items: Type.Array(
      Shape({
        line: Type.Integer({ examples: [1] }),
        at: Timestamp,
        attempt: Type.Integer({ examples: [1] }),
        level: Word(LEVELS, { examples: ['info'] }),
        message: Type.String({ examples: ['Read 1,000 rows.'] }),
      }),
    ),
    last: Type.Integer({ description: 'Ask for what is after it next.', examples: [12] }),
  },
  { title: 'RunLog' },
);
