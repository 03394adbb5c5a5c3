import { Problem } from '../../kernel/problem.ts';
import { readIdList } from '../../platform/database/id.scan.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOf, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { transferProblems } from './transfer.problems.ts';
import { findTransfer, selectTransfers, transferView } from './transfer.reads.sql.ts';
import { TransferPage, TransferPath, TransferQuery, TransferSchema } from './transfer.schema.ts';

const tags = ['Transfers'];
const read = { scope: 'read' } as const;

export function registerTransfersReads(app: HttpServer, { database }: { database: Database }): void {
  app.route({
    method: 'GET',
    url: '/transfers',
    config: read,
    schema: {
      tags,
      operationId: 'listTransfers',
      summary: 'List transfers',
      description: 'Newest first. A filter that names an unknown sku or location matches nothing.',
      querystring: TransferQuery,
      response: { 200: TransferPage },
    },
    handler: ({ query: { limit, cursor, sort = '-createdAt', ...filter } }) =>
      readIdList(database, {
        table: 'transfer',
        descending: sort === '-createdAt',
        limit,
        cursor,
        list: { route: 'transfers', sort, ...filter },
        select: (page) => selectTransfers(filter, page),
        toItems: (rows) => rows.map(transferView),
      }),
  });
  app.route({
    method: 'GET',
    url: '/transfers/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getTransfer',
      summary: 'Get a transfer',
      params: TransferPath,
      response: { 200: TransferSchema, 404: Refusal(transferProblems.transferNotFound) },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const row = await findTransfer(database.kysely, id);
      if (row === undefined) throw new Problem(transferProblems.transferNotFound, `No transfer has the id ${id}.`);
      reply.header('etag', etagOf(row.version));
      return transferView(row);
    },
  });
}
