import { expect, test } from 'vitest';
import { bodyOf, bodyOfDeleted, draftOfJob, faultsOf, newDraft } from './job.draft.ts';
import type { Job } from './job.words.ts';

const job: Job = {
  id: '01a1f9d0-e4f2-76b2-80ed-9ea86f7270a3',
  name: 'Nightly import',
  type: 'import_stock',
  description: 'From the ERP',
  config: {},
  schedule: '30 2 * * 1-5',
  scheduleText: 'At 02:30, Monday to Friday (Europe/Berlin)',
  timeZone: 'Europe/Berlin',
  priority: 'high',
  retries: 3,
  backoff: { kind: 'fixed', delayMs: 90_000, maxDelayMs: 600_000 },
  timeoutMs: 5_400_000,
  dependencies: [],
  afterFailure: 'hold',
  concurrency: 2,
  overlap: 'queue',
  catchUp: 'all',
  catchUpMax: 5,
  cacheForMs: 0,
  mustFinishBy: '06:00',
  keepDays: 90,
  enabled: true,
  system: false,
  status: 'idle',
  lastRun: null,
  nextRun: null,
  lastResult: null,
  lastAt: null,
  runCount: 0,
  successCount: 0,
  failureCount: 0,
  version: 4,
  createdAt: '2026-11-20T10:00:00.000Z',
  updatedAt: '2026-11-20T10:00:00.000Z',
};

/** What is no setting. */
const OF_THE_SERVER = [
  'id',
  'scheduleText',
  'system',
  'status',
  'lastRun',
  'nextRun',
  'lastResult',
  'lastAt',
  'runCount',
];
OF_THE_SERVER.push('successCount', 'failureCount', 'version', 'createdAt', 'updatedAt');

test('a job that is opened and saved is sent as it was', () => {
  const settings = Object.fromEntries(Object.entries(job).filter(([name]) => !OF_THE_SERVER.includes(name)));
  expect(bodyOf(draftOfJob(job), job.config)).toEqual(settings);
  expect(bodyOfDeleted(job)).toEqual(settings);
});

test('of a new job the type says what the form does not', () => {
  const draft = { ...newDraft('UTC'), name: ' Ping ', type: 'http_request' };
  const body = bodyOf(draft, { url: 'https://example.com' });
  expect(body).toMatchObject({ name: 'Ping', schedule: '30 2 * * *', config: { url: 'https://example.com' } });
  expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['timeoutMs']));
  expect(body.retries).toBeUndefined();
});

test('a job has a schedule, or jobs before it, or neither', () => {
  const draft = { ...draftOfJob(job), dependencies: ['a'] };
  expect(bodyOf(draft, {})).toMatchObject({ schedule: '30 2 * * 1-5', dependencies: [] });
  expect(bodyOf({ ...draft, when: 'after' }, {})).toMatchObject({ schedule: null, dependencies: ['a'] });
  expect(bodyOf({ ...draft, when: 'asked' }, {})).toMatchObject({ schedule: null, dependencies: [] });
});

test("of Holdfast's own jobs neither name nor config is sent", () => {
  const body = bodyOf(draftOfJob(job), {}, true);
  expect(Object.keys(body).filter((name) => ['name', 'type', 'config', 'dependencies'].includes(name))).toEqual([]);
  expect(body).toMatchObject({ schedule: '30 2 * * 1-5', timeoutMs: 5_400_000 });
});

test('what is missing, or no duration, is said at its field', () => {
  const draft = { ...newDraft('UTC'), schedule: ' ', timeout: 'long', cacheFor: '5' };
  expect([...faultsOf(draft).keys()]).toEqual(['/name', '/type', '/schedule', '/timeoutMs', '/cacheForMs']);
  expect([...faultsOf({ ...draft, when: 'after' }).keys()]).toContain('/dependencies');
  expect(faultsOf(draftOfJob(job)).size).toBe(0);
});
