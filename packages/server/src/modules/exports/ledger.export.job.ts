import { Type, type Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { boundMs } from '../../kernel/instant.ts';
import { validationFailed, type Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { LocationCode, Shape, Sku, Timestamp, Whole, Word } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { keepText } from '../run.files.ts';
import { exportText, requireNames } from './export.service.ts';
import { FILE_CONFIG } from './file.config.ts';

export interface ExportJobDeps {
  database: Database;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const Config = Shape({
  ...FILE_CONFIG,
  sku: Type.Optional({ ...Sku, description: 'Only of this product.' }),
  location: Type.Optional({ ...LocationCode, description: 'Only at this location.' }),
  from: Type.Optional({ ...Timestamp, description: 'From this instant on.' }),
  to: Type.Optional({ ...Timestamp, description: 'Before this instant.' }),
  lastHours: Type.Optional(Whole(1, 87_600, { description: 'Of so many hours, up to the time of the run.' })),
  lastDays: Type.Optional(Whole(1, 3_650, { description: 'Of so many days of 24 hours, up to the time of the run.' })),
  until: Word(['now', 'hour', 'day'], {
    default: 'now',
    description:
      'Where lastHours or lastDays end: at the time of the run, or at its last full hour or day in UTC, so that the ' +
      'exports of a schedule neither overlap nor leave a gap; of a run that is caught up with, at that of its tick.',
  }),
});
type Config = Static<typeof Config>;

interface Window {
  fromMs: number | undefined;
  toMs: number | undefined;
}

/** @throws Problem `validation_failed` */
function checkWindow({ from, to, lastHours, lastDays, until }: Config): void {
  const isRelative = lastHours !== undefined || lastDays !== undefined;
  if (lastHours !== undefined && lastDays !== undefined) throw wrong('lastDays', 'cannot stand beside lastHours');
  if (isRelative && from !== undefined) throw wrong('from', 'cannot stand beside lastHours or lastDays');
  if (isRelative && to !== undefined) throw wrong('to', 'cannot stand beside lastHours or lastDays');
  if (!isRelative && until !== 'now') throw wrong('until', 'needs lastHours or lastDays');
  if (from !== undefined && to !== undefined && boundMs(from) >= boundMs(to)) throw wrong('to', 'must be after from');
}

function wrong(member: string, message: string): Problem {
  return validationFailed([{ path: `/config/${member}`, message }]);
}

function windowOf({ from, to, lastHours, lastDays, until }: Config, runMs: number): Window {
  if (lastHours === undefined && lastDays === undefined) {
    return {
      fromMs: from === undefined ? undefined : boundMs(from),
      toMs: to === undefined ? undefined : boundMs(to),
    };
  }
  const unitMs = { now: 1, hour: HOUR_MS, day: DAY_MS }[until];
  const toMs = runMs - (runMs % unitMs);
  const spanMs = lastHours === undefined ? (lastDays ?? 0) * DAY_MS : lastHours * HOUR_MS;
  return { fromMs: Math.max(0, toMs - spanMs), toMs };
}

export function exportLedgerJob(deps: ExportJobDeps): JobType {
  return defineJobType({
    name: 'export_ledger',
    title: 'Export the ledger',
    description:
      'Writes the movements of a span of time, oldest first and of one instant, to a file of the run. The result says ' +
      'how many there are and of which span.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: HOUR_MS, retries: 3 },
    check: checkWindow,
    run: (context) => exportLedger(context, deps),
  });
}

async function exportLedger(context: RunContext<Config>, { database }: ExportJobDeps): Promise<object> {
  const { config, tickMs } = context;
  const { format, gzip, sku, location, until } = config;
  // Every attempt exports the span of the first. Of a day that was missed, what is caught up with is that day's.
  const { at } = await context.once('window', (_tx, nowMs) =>
    Promise.resolve({ at: until === 'now' ? nowMs : (tickMs ?? nowMs) }),
  );
  const { fromMs, toMs } = windowOf(config, at);
  let rows = 0;
  const onRows = (count: number): void => {
    rows += count;
    context.progress(null, `${rows} rows`);
  };
  const request = { what: 'ledger', filter: { sku, location, fromMs, toMs } } as const;
  await requireNames(database, { sku, location });
  const text = exportText({ database, request, format, onRows, signal: context.signal });
  const file = await keepText(context, { name: 'ledger', format, gzip }, text);
  return { from: timeOrNull(fromMs), to: timeOrNull(toMs), rows, file: file.name, bytes: file.size };
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : toRfc3339(ms);
}
