import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { ProblemKind } from '../../kernel/problem.ts';
import { ProblemSchema } from './schemas.ts';

/** What a route answers with one status when it refuses: the problems that it can be, by their codes. */
export function Refusal(...kinds: readonly ProblemKind[]) {
  return Type.Unsafe<Static<typeof ProblemSchema>>({
    description: kinds.map(({ code, title }) => `\`${code}\`: ${title}.`).join(' '),
    allOf: [ProblemSchema],
  });
}

/** 204 */
export const NoContent = Type.Null({ description: 'Done.' });
