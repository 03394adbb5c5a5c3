import type { Database } from '../../platform/database/index.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { dataRetentionType } from './retention.job.ts';

export function retentionJobTypes({ database }: { database: Database }): JobType[] {
  return [dataRetentionType(database)];
}
