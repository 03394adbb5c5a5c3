import type { ProblemKind } from '../../kernel/problem.ts';

export const apiKeyProblems = {
  apiKeyNotFound: { code: 'api_key_not_found', status: 404, title: 'There is no such key' },
  lastAdminKey: { code: 'last_admin_key', status: 409, title: 'Nobody else has the scope admin' },
  firstKeyNeedsAdmin: { code: 'first_key_needs_admin', status: 409, title: 'The first key needs the scope admin' },
} as const satisfies Record<string, ProblemKind>;
