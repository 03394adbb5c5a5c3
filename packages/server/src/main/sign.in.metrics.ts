import type { SignInListener } from '../modules/people/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';

/** What looks like guessing is logged with its address, for whoever bans addresses. */
const SUSPECT = new Set(['wrong_credentials', 'too_many_attempts']);

export function meterSignIns(metrics: Metrics, log: Logger): SignInListener {
  const attempts = metrics.counter({
    name: 'holdfast_sign_ins_total',
    help: 'Attempts of people to sign in, by how they ended',
    labelNames: ['outcome'],
  });
  return (outcome, { address, requestId }) => {
    attempts.inc({ outcome });
    if (SUSPECT.has(outcome)) log.warn({ outcome, address, requestId }, 'a sign-in was refused');
  };
}
