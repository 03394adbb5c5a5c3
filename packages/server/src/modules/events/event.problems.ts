import type { ProblemKind } from '../../kernel/problem.ts';

export const eventProblems = {
  positionGone: { code: 'position_gone', status: 410, title: 'The stream is kept from a later position on' },
} as const satisfies Record<string, ProblemKind>;
