import type { ProblemKind } from '../../kernel/problem.ts';

export const transferProblems = {
  transferNotFound: { code: 'transfer_not_found', status: 404, title: 'There is no such transfer' },
} as const satisfies Record<string, ProblemKind>;
