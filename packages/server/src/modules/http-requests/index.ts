import { systemClock, type Clock } from '../../kernel/clock.ts';
import type { Egress } from '../../platform/egress/index.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { httpRequestType } from './request.job.ts';

export function httpRequestJobTypes({ egress, clock = systemClock }: { egress: Egress; clock?: Clock }): JobType[] {
  return [httpRequestType({ egress, clock })];
}
