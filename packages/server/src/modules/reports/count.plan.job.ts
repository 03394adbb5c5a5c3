import { Type, type Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { validationFailed } from '../../kernel/problem.ts';
import { Shape, Whole, Word } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { requireNames, streamRows } from '../exports/index.ts';
import { csvHead, keepText } from '../run.files.ts';
import { CountPlan } from './count.plan.ts';
import { countColumns } from './count.sheet.ts';
import { dayOf, WEEKDAYS } from './count.rules.ts';
import { selectCounts } from './count.sql.ts';
import type { ReportJobDeps } from './reorder.job.ts';
import { LOCATIONS } from './report.config.ts';

const DAY_MS = 86_400_000;

const Config = Shape({
  locations: LOCATIONS,
  perDay: Whole(1, 5_000, { default: 20, description: 'So many levels are counted in a day.' }),
  planDays: Whole(1, 92, {
    default: 7,
    description: 'The plan is for so many days; the first is that of the run, in UTC.',
  }),
  weekdays: Type.Array(Word(WEEKDAYS), {
    minItems: 1,
    maxItems: 7,
    uniqueItems: true,
    default: [...WEEKDAYS],
    description: 'The days on which there is counting.',
    examples: [['monday', 'tuesday', 'wednesday', 'thursday', 'friday']],
  }),
  days: Whole(1, 730, {
    default: 90,
    description: 'Movements of so many days, up to the time of the run, make the class.',
  }),
  by: Word(['value', 'units'], {
    default: 'value',
    description: "What makes the class: units moved, or those times the product's cost.",
  }),
  aPercent: Whole(1, 99, {
    default: 80,
    description: 'The levels that make up so much of all movement, the most moved first, are A.',
  }),
  bPercent: Whole(2, 100, { default: 95, description: 'Those from there up to so much are B, the rest C.' }),
  aEveryDays: Whole(1, 3_650, { default: 30, description: 'An A level is due so many days after its last count.' }),
  bEveryDays: Whole(1, 3_650, { default: 90, description: 'The same for B.' }),
  cEveryDays: Whole(1, 3_650, { default: 180, description: 'The same for C.' }),
  blind: Type.Boolean({
    default: false,
    description: 'Leave out what should be there, so that it is counted and not confirmed.',
  }),
});
type Config = Static<typeof Config>;

/** @throws Problem `validation_failed` */
function checkClasses({ aPercent, bPercent }: Config): void {
  if (bPercent > aPercent) return;
  throw validationFailed([{ path: '/config/bPercent', message: 'must be more than aPercent' }]);
}

export function cycleCountPlanJob(deps: ReportJobDeps): JobType {
  return defineJobType({
    name: 'cycle_count_plan',
    title: 'Plan the next counts',
    description:
      'Says which levels to count on which day: each by its class, so many days after its last count, no more in a day ' +
      'than can be counted. The plan is a CSV file, in the order of a walk; the result counts levels by class and by day.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: 3_600_000, retries: 3 },
    check: checkClasses,
    run: (context) => planCounts(context, deps),
  });
}

async function planCounts(context: RunContext<Config>, { database }: ReportJobDeps): Promise<object> {
  const { locations, perDay, planDays, weekdays, days, by, aPercent, bPercent, blind, ...every } = context.config;
  await requireNames(database, { locations });
  const { at } = await context.once('window', (_tx, nowMs) => Promise.resolve({ at: nowMs }));
  const fromMs = at - days * DAY_MS;
  const columns = countColumns(blind);
  const plan = new CountPlan({ firstDay: dayOf(at), days: planDays, perDay, weekdays: new Set(weekdays) }, columns);
  const everyDays = { A: every.aEveryDays, B: every.bEveryDays, C: every.cEveryDays };
  const query = selectCounts({ locations, fromMs, toMs: at, by, aPercent, bPercent, everyDays });

  async function* csv(): AsyncGenerator<string, void> {
    yield csvHead(columns);
    for await (const rows of streamRows(database, query, { isReport: true, signal: context.signal })) {
      yield plan.take(rows);
      context.progress(null, `${plan.levels} levels`);
    }
    yield plan.end();
  }

  const file = await keepText(context, { name: 'counts', format: 'csv' }, csv());
  return { at: toRfc3339(at), from: toRfc3339(fromMs), ...plan.view(), file: file.name, bytes: file.size };
}
