import { Type, type Static } from 'typebox';
import {
  FreeForm,
  label,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  text,
  Timestamp,
  Uuid,
  Version,
  Whole,
  Word,
} from '../../platform/http/schemas.ts';

export const PRIORITIES = ['low', 'normal', 'high', 'critical'] as const;
export type Priority = (typeof PRIORITIES)[number];

export const DAY_MS = 86_400_000;
export const DEPENDENCIES_MAX = 100;
export const TIMEOUT_MAX_MS = 23 * 3_600_000;

const Name = label(100, { examples: ['Nightly import'], description: 'Unique, for people.' });
const TypeName = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,62}$',
  maxLength: 63,
  description: 'One of `GET /jobs/types`.',
  examples: ['http_request'],
  'x-message': 'must be a name in snake_case, such as import_stock',
});
const Config = FreeForm(
  { maxBytes: 2_097_152, maxDepth: 12 },
  { description: "What the type needs, by the type's own schema.", examples: [{ url: 'https://example.com/hook' }] },
);
const Schedule = text(200, {
  description: 'Cron: five fields, or six with seconds first. Null: it runs when asked to, or after its dependencies.',
  examples: ['30 2 * * 1-5'],
});
const TimeZone = text(64, { description: 'By its IANA name.', examples: ['Europe/Berlin'] });
const PriorityWord = Word(PRIORITIES, {
  description: 'Of the runs that wait, the higher goes first; one that has waited five minutes rises by one.',
  examples: ['normal'],
});
const Retries = Whole(0, 100, { description: 'Attempts after the first.', examples: [3] });
const Backoff = Shape(
  {
    kind: Word(['fixed', 'exponential'], { examples: ['exponential'] }),
    delayMs: Whole(0, DAY_MS, { description: 'Before the second attempt.', examples: [1_000] }),
    maxDelayMs: Whole(0, DAY_MS, { description: 'Where doubling ends.', examples: [60_000] }),
  },
  { description: 'How long it waits between attempts; up to half of it is left to chance.' },
);
const TimeoutMs = Whole(100, TIMEOUT_MAX_MS, {
  description: 'Of one attempt. Work that goes on beyond is stopped.',
  examples: [300_000],
});
const Dependencies = Type.Array(Uuid, {
  maxItems: DEPENDENCIES_MAX,
  uniqueItems: true,
  description: 'Jobs that must have succeeded in the same cycle. A job has these or a schedule, not both.',
});
const AfterFailure = Word(['skip', 'run', 'hold'], {
  description:
    'When a dependency did not succeed: skip this cycle, run all the same, or hold the run until somebody releases it.',
  examples: ['skip'],
});
const Concurrency = Whole(1, 100, { description: 'Runs of this job at once, over all instances.', examples: [1] });
const Overlap = Word(['skip', 'queue', 'cancel'], {
  description:
    'When a run is due and as many as `concurrency` are under way: skip it, let it wait, or cancel the oldest for it.',
  examples: ['skip'],
});
const CatchUp = Word(['skip', 'once', 'all'], {
  description: 'Ticks that nobody was there to fire: none of them, one run for all, or all of the last `catchUpMax`.',
  examples: ['once'],
});
const CatchUpMax = Whole(1, 1_000, { examples: [10] });
const CacheForMs = Whole(0, 30 * DAY_MS, {
  description: 'A run within so long of a success with the same config takes over its result. 0: never.',
  examples: [0],
});
const MustFinishBy = Type.String({
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^PT(?=[0-9])([0-9]{1,3}H)?([0-9]{1,4}M)?([0-9]{1,5}S)?$',
  maxLength: 20,
  description:
    'A time of day in the time zone of the job, `06:00`, or a duration from when it is due, `PT2H`. When a run is about to miss it, and when it has, an event says so.',
  examples: ['06:00'],
  'x-message': 'must be a time of day such as 06:00 or a duration such as PT1H30M',
});
const KeepDays = Whole(1, 3_650, { description: 'How long finished runs are kept.', examples: [30] });

const settings = {
  description: Type.String({ maxLength: 1_000, examples: ['Stock of the night, from the ERP'] }),
  config: Config,
  schedule: Nullable(Schedule),
  timeZone: TimeZone,
  priority: PriorityWord,
  retries: Retries,
  backoff: Backoff,
  timeoutMs: TimeoutMs,
  dependencies: Dependencies,
  afterFailure: AfterFailure,
  concurrency: Concurrency,
  overlap: Overlap,
  catchUp: CatchUp,
  catchUpMax: CatchUpMax,
  cacheForMs: CacheForMs,
  mustFinishBy: Nullable(MustFinishBy),
  keepDays: KeepDays,
  enabled: Type.Boolean({ description: 'false: it fires no more; what runs goes on.', examples: [true] }),
};

export const RUN_STATUSES = [
  'held',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

const LastRun = Shape(
  {
    id: Uuid,
    status: Word(RUN_STATUSES, { examples: ['succeeded'] }),
    startedAt: Nullable(Timestamp),
    finishedAt: Nullable(Timestamp),
    percent: Nullable(Type.Number({ minimum: 0, maximum: 100, examples: [100] })),
  },
  { title: 'JobLastRun' },
);

const JOB_STATES = ['idle', 'queued', 'running', 'disabled', 'continuous'] as const;

/** A page of jobs holds no more of a job's config than this, as JSON: whole, it may have 2 MiB. */
export const LISTED_CONFIG_MAX_BYTES = 16_384;

const job = {
  id: Uuid,
  name: Name,
  type: TypeName,
  ...settings,
  scheduleText: Nullable(
    Type.String({
      description: 'The schedule in words.',
      examples: ['At 02:30, Monday through Friday (Europe/Berlin)'],
    }),
  ),
  system: Type.Boolean({ description: "Holdfast's own: it cannot be deleted.", examples: [false] }),
  status: Word(JOB_STATES, {
    description: '`continuous`: a duty that every instance does all the time.',
    examples: ['idle'],
  }),
  lastRun: Nullable(LastRun),
  nextRun: Nullable({ ...Timestamp, description: 'When it is due next.' }),
  lastResult: Type.Unsafe<unknown>({
    description: 'Of a continuous duty: what it did last; null of others.',
    examples: [null],
  }),
  lastAt: Nullable({ ...Timestamp, description: 'Of a continuous duty: when it reported last.' }),
  runCount: Type.Integer({ examples: [42] }),
  successCount: Type.Integer({ examples: [41] }),
  failureCount: Type.Integer({ examples: [1] }),
  version: Version,
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const JobSchema = Shape(job, { title: 'Job' });
export type JobView = Static<typeof JobSchema>;

/** As lists show it. */
export const JobSummarySchema = Shape(
  {
    ...job,
    config: Nullable({
      ...Config,
      description: 'What the type needs. Null where it is larger than 16 KiB as JSON: `GET /jobs/{id}` has it.',
    }),
  },
  { title: 'JobSummary' },
);
export type JobSummary = Static<typeof JobSummarySchema>;
export const JobPage = PageOf(JobSummarySchema);

export const NewJobBody = Shape({
  name: Name,
  type: TypeName,
  ...Type.Partial(Shape(settings)).properties,
});
export type NewJobBody = Static<typeof NewJobBody>;

export const JobPatchBody = Shape({ name: Type.Optional(Name), ...Type.Partial(Shape(settings)).properties });
export type JobPatchBody = Static<typeof JobPatchBody>;

export const JobPath = Shape({ id: Uuid });

export const JobQuery = Shape({
  ...PageQuery,
  type: Type.Optional(TypeName),
  search: Type.Optional(text(100, { description: 'Part of the name.' })),
  enabled: Type.Optional(Type.Boolean({ description: 'Only those that are enabled, or that are not.' })),
  system: Type.Optional(Type.Boolean({ description: "Only Holdfast's own, or only the others." })),
  sort: Type.Optional(
    Word(['name', '-name', 'createdAt', '-createdAt'], {
      default: 'name',
      description: 'The order; with `-` in front, descending.',
    }),
  ),
});
export type JobQuery = Static<typeof JobQuery>;

export const JobTypeSchema = Shape(
  {
    name: TypeName,
    title: Type.String({ examples: ['Call a URL'] }),
    description: Type.String({ examples: ['Sends a signed request and looks at the answer.'] }),
    config: Type.Unsafe<object>({ type: 'object', description: 'JSON Schema of `config`.', examples: [{}] }),
    concurrency: Nullable(
      Type.Integer({ description: 'Runs of the type at once, over all instances.', examples: [2] }),
    ),
    system: Type.Boolean({ description: "Of Holdfast's own jobs alone.", examples: [false] }),
    defaults: Shape({ timeoutMs: TimeoutMs, retries: Retries, keepDays: KeepDays }),
  },
  { title: 'JobType' },
);
export const JobTypesAnswer = Shape({ items: Type.Array(JobTypeSchema) });

export const PreviewBody = Shape({
  schedule: Schedule,
  timeZone: Type.Optional(TimeZone),
  count: Type.Optional(Whole(1, 100, { default: 10 })),
});
export type PreviewBody = Static<typeof PreviewBody>;
export const PreviewAnswer = Shape(
  {
    text: Type.String({ description: 'In words.', examples: ['At 02:30 (UTC)'] }),
    next: Type.Array(Timestamp, { description: 'The next instants.' }),
  },
  { title: 'SchedulePreview' },
);

export const UpcomingQuery = Shape({
  hours: Type.Optional(Whole(1, 168, { default: 24, description: 'How far ahead.' })),
  limit: Type.Optional(Whole(1, 1_000, { default: 200, description: 'At most so many.' })),
  perJob: Type.Optional(Whole(1, 1_000, { description: 'Of each job no more than so many. Absent: `limit`.' })),
});
export type UpcomingQuery = Static<typeof UpcomingQuery>;
export const UpcomingAnswer = Shape(
  {
    items: Type.Array(Shape({ at: Timestamp, jobId: Uuid, name: Name, type: TypeName, priority: PriorityWord })),
    more: Type.Boolean({
      description: 'There are more than `limit`, or of a job more than `perJob`.',
      examples: [false],
    }),
  },
  { title: 'UpcomingRuns' },
);

export const GraphAnswer = Shape(
  {
    nodes: Type.Array(
      Shape({
        id: Uuid,
        name: Name,
        type: TypeName,
        enabled: Type.Boolean(),
        schedule: Nullable(Schedule),
        afterFailure: AfterFailure,
        lastRun: Nullable(LastRun),
        cycleId: Nullable({ ...Uuid, description: 'Of its last run.' }),
      }),
    ),
    edges: Type.Array(Shape({ from: Uuid, to: Uuid }), { description: '`to` waits for `from`.' }),
  },
  { title: 'JobGraph' },
);

export const StatsQuery = Shape({
  hours: Type.Optional(Whole(1, 24 * 90, { default: 24, description: 'How far back.' })),
});
export type StatsQuery = Static<typeof StatsQuery>;
const Ms = (description: string) => Nullable(Type.Number({ description, examples: [120] }));
const measured = {
  runs: Type.Integer({ description: 'That finished, those that were skipped apart.', examples: [100] }),
  succeeded: Type.Integer({ examples: [98] }),
  failed: Type.Integer({ examples: [1] }),
  cancelled: Type.Integer({ examples: [1] }),
  skipped: Type.Integer({ examples: [0] }),
  successRate: Nullable(Type.Number({ description: 'Of those that succeeded or failed; 0 to 1.', examples: [0.99] })),
  durationP50Ms: Ms('Median, from the first attempt to the end.'),
  durationP99Ms: Ms('99th percentile.'),
  latenessP50Ms: Ms('Median, from when it was due to its first attempt.'),
  latenessP99Ms: Ms('99th percentile.'),
};
export const JobStatsAnswer = Shape(
  {
    since: Timestamp,
    total: Shape(measured),
    jobs: Type.Array(Shape({ jobId: Uuid, name: Name, type: TypeName, ...measured }), {
      description: 'Those of which a run finished, by name, at most 1,000.',
    }),
    more: Type.Boolean({ description: 'There are more jobs; `total` is of all.', examples: [false] }),
    now: Shape({
      queued: Type.Integer({ description: 'Due and waiting.', examples: [0] }),
      delayed: Type.Integer({ description: 'Not due yet, or between attempts.', examples: [0] }),
      running: Type.Integer({ examples: [2] }),
      held: Type.Integer({ examples: [0] }),
      dead: Type.Integer({ description: 'Failed, and not redriven.', examples: [0] }),
    }),
    workers: Type.Array(
      Shape({
        worker: Type.String({ examples: ['shop-1:4711'] }),
        running: Type.Integer({ examples: [2] }),
      }),
      { description: 'Those that have something to do.' },
    ),
  },
  { title: 'JobStats' },
);
