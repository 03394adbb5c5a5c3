import { stockProblems, type Engine } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { validationFailed, type FieldError } from '../../kernel/problem.ts';
import { metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { TransferBody } from './transfer.body.schema.ts';
import { TransferSchema } from './transfer.schema.ts';

export function transferRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/transfers',
    config: { scope: 'stock' },
    schema: {
      tags: ['Transfers'],
      operationId: 'createTransfer',
      summary: 'Move stock between locations',
      description: 'At once, both sides or neither. Only available units move: what is promised stays.',
      body: TransferBody,
      response: {
        201: TransferSchema,
        404: Refusal(stockProblems.productNotFound, stockProblems.locationNotFound),
        409: Refusal(
          stockProblems.insufficientStock,
          stockProblems.quantityOutOfRange,
          stockProblems.locationInactive,
          stockProblems.locationArchived,
          stockProblems.productArchived,
        ),
      },
    },
    handler: async (request, reply) => sendAnswer(reply, await createTransfer(engine, request.body, metaOf(request))),
  });
}

async function createTransfer(engine: Engine, body: TransferBody, meta: CommandMeta): Promise<Answer> {
  const { from, to, lines, mode = 'immediate', reference = null } = body;
  const errors: FieldError[] = [];
  if (from === to) errors.push({ path: '/to', message: 'must be another location than from' });
  if (mode === 'in_transit') errors.push({ path: '/mode', message: 'must be immediate: in_transit is not built yet' });
  if (errors.length > 0) throw validationFailed(errors);
  return engine.submit({ kind: 'transfer', from, to, lines, reference }, meta);
}
