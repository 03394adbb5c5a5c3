import type { JobType } from '../../platform/jobs/index.ts';
import { cycleCountPlanJob } from './count.plan.job.ts';
import { reorderReportJob, type ReportJobDeps } from './reorder.job.ts';

/** `reorder_report` and `cycle_count_plan`. */
export function reportJobTypes(deps: ReportJobDeps): JobType[] {
  return [reorderReportJob(deps), cycleCountPlanJob(deps)];
}
