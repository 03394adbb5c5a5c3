import type { JobType } from '../../platform/jobs/index.ts';
import { exportLedgerJob, type ExportJobDeps } from './ledger.export.job.ts';
import { stockSnapshotJob } from './stock.snapshot.job.ts';

export type { ExportFormat } from './export.shapes.ts';
export { ExportRefused, exportText, requireNames, type ExportOptions, type ExportRequest } from './export.service.ts';
export { streamRows } from './row.stream.sql.ts';

/** `export_ledger` and `stock_snapshot`. */
export function exportJobTypes(deps: ExportJobDeps): JobType[] {
  return [exportLedgerJob(deps), stockSnapshotJob(deps)];
}
