import { Type } from 'typebox';
import { Shape } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType } from '../../platform/jobs/index.ts';
import { checkColumns, columnsOf, IMPORT_CONFIG, runImport, type ImportJobDeps } from './import.run.ts';
import { importProducts } from './import.service.ts';
import { checkSource } from './import.source.ts';
import { PRODUCT_FIELDS } from './product.import.ts';

const Config = Shape({
  ...IMPORT_CONFIG,
  columns: columnsOf(PRODUCT_FIELDS),
  updates: Type.Boolean({ default: false, description: 'Products that exist take the values of their rows.' }),
});

export function importProductsJob(deps: ImportJobDeps): JobType {
  return defineJobType({
    name: 'import_products',
    title: 'Import products',
    description:
      'Makes products of the rows of a CSV file, and changes those that exist where that is wanted. The result counts ' +
      'what became of the rows; those that were refused are in a file of the run.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: 3_600_000, retries: 3 },
    check: async ({ source, columns }) => {
      checkColumns(columns);
      await checkSource(source, deps.egress);
    },
    run: (context) =>
      runImport(context, deps, (options) => importProducts({ ...options, updates: context.config.updates })),
  });
}
