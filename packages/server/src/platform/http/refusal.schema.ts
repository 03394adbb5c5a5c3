import { Type, type Static } from 'typebox';
import { problems, type ProblemKind } from '../../kernel/problem.ts';
import { ProblemSchema } from './schemas.ts';

/** What a route answers with one status when it refuses: the problems that it can be, by their codes. */
export function Refusal(...kinds: readonly ProblemKind[]) {
  return Type.Unsafe<Static<typeof ProblemSchema>>({
    description: kinds.map(({ code, title }) => `\`${code}\`: ${title}.`).join(' '),
    allOf: [ProblemSchema],
  });
}

/** 400 of a route with a body that says what else can be wrong with it than its shape. */
export function InvalidBody(...kinds: readonly ProblemKind[]) {
  return Refusal(problems.validationFailed, problems.malformedJson, ...kinds);
}

/** Why one item of many was refused: a problem, with no occurrence of its own. */
export const ItemProblem = Type.Object(
  {
    type: Type.String({ examples: ['urn:holdfast:problem:duplicate_sku'] }),
    title: Type.String({ examples: ['The sku is taken'] }),
    status: Type.Integer({ examples: [409] }),
    detail: Type.String({ examples: ['A product already has the sku SKU-1.'] }),
    code: Type.String({ description: 'Stable: what programs look at.', examples: ['duplicate_sku'] }),
  },
  { title: 'ItemProblem', additionalProperties: true },
);

/** 204 */
export const NoContent = Type.Null({ description: 'Done.' });
