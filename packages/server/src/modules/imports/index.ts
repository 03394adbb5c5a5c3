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
