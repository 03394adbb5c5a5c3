import { Type } from 'typebox';
import { LocationCode, Shape, Word } from '../../platform/http/schemas.ts';
import { defineJobType, PermanentError, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import type { CsvFile } from './csv.file.ts';
import { checkColumns, columnsOf, IMPORT_CONFIG, runImport, type ImportJobDeps } from './import.run.ts';
import { importStock } from './import.service.ts';
import { checkSource, nameOf } from './import.source.ts';
import { findEarlierImport } from './import.sql.ts';
import { STOCK_FIELDS } from './stock.import.ts';

const Config = Shape({
  ...IMPORT_CONFIG,
  columns: columnsOf(STOCK_FIELDS),
  mode: Word(['add', 'set'], {
    default: 'add',
    description: 'add: these units came in. set: these units were counted.',
  }),
  location: Type.Optional({ ...LocationCode, description: 'The location of a file that has no column for it.' }),
  force: Type.Boolean({ default: false, description: 'Counts may go below what is promised.' }),
});

export function importStockJob(deps: ImportJobDeps): JobType {
  return defineJobType({
    name: 'import_stock',
    title: 'Import stock',
    description:
      'Adds units that came in, or records counts, from the rows of a CSV file. Each run applies its file once, however ' +
      'often it is attempted; the next run applies it again. The result counts what became of the rows; those that were ' +
      'refused are in a file of the run.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: 3_600_000, retries: 3 },
    check: async ({ source, columns }) => {
      checkColumns(columns);
      await checkSource(source, deps.egress);
    },
    run: (context) => {
      const { config, runId } = context;
      const { mode, location, force } = config;
      return runImport(context, deps, (options) =>
        importStock({
          ...options,
          mode,
          force,
          ...(location === undefined ? {} : { location }),
          reference: runId,
          onFile: async (file) => {
            await options.onFile?.(file);
            if (mode === 'add' && !config.dryRun) await refuseOtherFile(context, deps, file, nameOf(config.source));
          },
        }),
      );
    },
  });
}

/**
 * What a url answers may have changed since an earlier attempt of the run. Of a file that was imported in part, the rows
 * that the next one repeats would come in twice.
 *
 * @throws PermanentError
 */
async function refuseOtherFile(
  context: RunContext,
  { database }: ImportJobDeps,
  file: CsvFile,
  name: string,
): Promise<void> {
  const first = await context.once('file', () => Promise.resolve({ digest: file.digest }));
  if (first.digest === file.digest) return;
  if ((await findEarlierImport(database, context.runId)) === null) return;
  throw new PermanentError(
    `${name} has changed since this run began to import it. What came in before has the reference ${context.runId} ` +
      'in the ledger: compare it with the file.',
  );
}
