import type { ProblemKind } from '../../kernel/problem.ts';

export const locationProblems = {
  duplicateLocation: { code: 'duplicate_location', status: 409, title: 'The location code is taken' },
  locationInUse: { code: 'location_in_use', status: 409, title: 'The location still holds stock' },
} as const satisfies Record<string, ProblemKind>;
