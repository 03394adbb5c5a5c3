import { Type } from 'typebox';
import { systemClock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { Shape } from '../../platform/http/schemas.ts';
import { defineJobType, PermanentError, type JobType } from '../../platform/jobs/index.ts';
import { verify, type VerificationProgress } from './verification.service.ts';

const STAGES: readonly VerificationProgress['stage'][] = ['levels', 'journal', 'reservations', 'transfers'];
const HOUR_MS = 3_600_000;

/** `verification`: what `holdfast verify` does, every night. A difference fails the run, so that somebody is told. */
export function verificationJobTypes({ database }: { database: Database }): JobType[] {
  return [
    defineJobType({
      name: 'verification',
      title: 'Verify all numbers',
      description:
        'Recomputes every level from the ledger and the open reservations, and compares. The run fails where anything differs.',
      config: Shape({
        limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 20, description: 'How many differences to show.' }),
      }),
      concurrency: 1,
      defaults: { timeoutMs: 6 * HOUR_MS, retries: 0, keepDays: 90 },
      system: { jobName: 'Verify all numbers', kind: 'scheduled', schedule: '30 3 * * *' },
      async run({ config, signal, progress, log }) {
        const report = await verify({
          database,
          clock: systemClock,
          limit: config.limit,
          onProgress: ({ stage, fraction }) => {
            signal.throwIfAborted();
            progress((100 * (STAGES.indexOf(stage) + fraction)) / STAGES.length, stage);
          },
        });
        if (report.clean) return { ...report };
        for (const difference of report.differences) log('error', JSON.stringify(difference));
        throw new PermanentError(`${report.differenceCount} differences. The log of the run shows the first of them.`);
      },
    }),
  ];
}
