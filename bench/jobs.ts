// node --conditions=holdfast-source bench/jobs.ts: how many trivial runs a server does in a second, and how late a thousand
// jobs of the same minute are. One server with its own PostgreSQL, fsync on; the runs do nothing.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openInstallation } from '../packages/server/src/main/installation.ts';
import { createServer } from '../packages/server/src/main/server.ts';
import { loadConfig } from '../packages/server/src/platform/config/index.ts';
import { Shape } from '../packages/server/src/platform/http/schemas.ts';
import { defineJobType } from '../packages/server/src/platform/jobs/index.ts';
import { createLogger } from '../packages/server/src/platform/log/index.ts';
import { stopDatabaseBelow } from './database.process.ts';
import { Histogram } from './histogram.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: '1000' },
    slots: { type: 'string', default: '64' },
  },
});
const RUNS = Number(values.runs);
const JOBS = Number(values.jobs);
const AT_ONCE = 32;
const TARGET_PER_SECOND = 500;
const TARGET_P99_MS = 1_500;

const directory = mkdtempSync(join(tmpdir(), 'holdfast-jobs-'));
// PostgreSQL may run as another user, who has to get in.
chmodSync(directory, 0o755);
let onRun: () => void = () => undefined;
const nothing = defineJobType({
  name: 'nothing',
  title: 'Do nothing',
  description: 'Is done at once.',
  config: Shape({}),
  run: () => {
    onRun();
    return Promise.resolve(null);
  },
});

const config = loadConfig({ HOLDFAST_DATA: directory, HOLDFAST_JOB_SLOTS: values.slots });
const log = createLogger('error');
const installation = await openInstallation({ config, log, mode: 'own' });
const server = await createServer({ config, log, database: installation.database, jobTypes: [nothing] });
const address = await server.app.listen({ host: '127.0.0.1', port: 0 });
server.markReady();
const api = `${address}/api/v1`;

async function call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(api + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** From the first run that is taken to the end of the last, all of them queued before. */
async function throughput(): Promise<number> {
  const job = await call<{ id: string }>('POST', '/jobs', {
    name: 'throughput',
    type: 'nothing',
    concurrency: 100,
    overlap: 'queue',
  });
  // Time enough to queue them, one request each.
  const delayMs = 10_000 + 8 * RUNS;
  const dueAt = performance.now() + delayMs;
  await inParallel(RUNS, () =>
    call('POST', `/jobs/${job.id}/run`, { delayMs: Math.max(0, Math.round(dueAt - performance.now())) }),
  );
  process.stdout.write(`${RUNS} runs queued in ${((performance.now() - (dueAt - delayMs)) / 1000).toFixed(1)} s\n`);
  await delay(Math.max(0, dueAt - performance.now()));
  const began = performance.now();
  for (;;) {
    const { runCount } = await call<{ runCount: number }>('GET', `/jobs/${job.id}`);
    if (runCount >= RUNS) break;
    await delay(250);
  }
  return (RUNS * 1000) / (performance.now() - began);
}

/** All of the same instant, which is the hardest: from the instant to the work. */
async function lateness(): Promise<Histogram> {
  const histogram = new Histogram();
  const at = new Date(Math.ceil((Date.now() + 30_000) / 1000) * 1000);
  const schedule = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  await inParallel(JOBS, (index) => call('POST', '/jobs', { name: `late ${index}`, type: 'nothing', schedule }));
  let seen = 0;
  onRun = () => {
    seen += 1;
    histogram.record(Date.now() - at.getTime());
  };
  while (seen < JOBS) await delay(50);
  return histogram;
}

try {
  const perSecond = await throughput();
  process.stdout.write(`${Math.round(perSecond)} runs/s (wanted: ${TARGET_PER_SECOND})\n`);
  const { p50Ms, p99Ms } = (await lateness()).summary();
  const times = `p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms late (wanted: < ${TARGET_P99_MS})`;
  process.stdout.write(`${JOBS} jobs due at once: ${times}\n`);
  process.exitCode = perSecond >= TARGET_PER_SECOND && p99Ms < TARGET_P99_MS ? 0 : 1;
  await server.close();
  await installation.close();
} finally {
  await stopDatabaseBelow(directory);
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
