import type { ProblemKind } from '../../kernel/problem.ts';

export const alertProblems = {
  alertNotFound: { code: 'alert_not_found', status: 404, title: 'There is no such alert' },
  invalidTransition: { code: 'invalid_transition', status: 409, title: 'The alert is not in a state for that' },
} as const satisfies Record<string, ProblemKind>;
