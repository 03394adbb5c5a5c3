import type { JobType } from '../../platform/jobs/index.ts';
import type { ImportJobDeps } from './import.run.ts';
import { importProductsJob } from './product.import.job.ts';
import { importStockJob } from './stock.import.job.ts';

export type { CsvFile } from './csv.file.ts';
export { ImportRefused, type RefusedRow } from './import.refused.ts';
export type { ImportProgress, ImportReport } from './import.report.ts';
export {
  importProducts,
  importStock,
  type ImportOptions,
  type ProductImportRequest,
  type StockImportRequest,
} from './import.service.ts';
export { RefusedFile } from './refused.file.ts';

/** `import_products` and `import_stock`. */
export function importJobTypes(deps: ImportJobDeps): JobType[] {
  return [importProductsJob(deps), importStockJob(deps)];
}
