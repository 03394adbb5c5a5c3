import { Type, type Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { LocationCode, Shape } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { csvHead, keepText } from '../run.files.ts';
import { requireNames } from './export.service.ts';
import { rowsText, STOCK } from './export.shapes.ts';
import { selectStock } from './export.sql.ts';
import { FILE_CONFIG } from './file.config.ts';
import type { ExportJobDeps } from './ledger.export.job.ts';
import { streamRows } from './row.stream.sql.ts';
import { StockTotals } from './stock.totals.ts';

const Config = Shape({
  ...FILE_CONFIG,
  locations: Type.Optional(
    Type.Array(LocationCode, {
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
      description: 'Only the levels at these locations. Absent: at all.',
      examples: [['WH001', 'WH002']],
    }),
  ),
});

export function stockSnapshotJob(deps: ExportJobDeps): JobType {
  return defineJobType({
    name: 'stock_snapshot',
    title: 'Take a snapshot of the stock',
    description:
      'Writes every level as it is at one instant to a file of the run, by sku and location. The result has the instant, ' +
      'and the totals of all levels and of each location.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: 3_600_000, retries: 3 },
    run: (context) => takeSnapshot(context, deps),
  });
}

async function takeSnapshot(context: RunContext<Static<typeof Config>>, { database }: ExportJobDeps): Promise<object> {
  const { format, gzip, locations } = context.config;
  const { signal } = context;
  const totals = new StockTotals();
  let atMs = 0;
  async function* text(): AsyncGenerator<string, void> {
    if (format === 'csv') yield csvHead(STOCK.columns);
    for await (const rows of streamRows(database, selectStock({ locations }), {
      onSnapshot: (ms) => (atMs = ms),
      signal,
    })) {
      yield rowsText(STOCK, rows, format);
      for (const row of rows) totals.add(row);
      context.progress(null, `${totals.all.levels} levels`);
    }
  }
  await requireNames(database, { locations });
  const file = await keepText(context, { name: 'stock', format, gzip }, text());
  return { at: toRfc3339(atMs), file: file.name, bytes: file.size, ...totals.view() };
}
