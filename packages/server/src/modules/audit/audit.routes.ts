import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { AuditPage, AuditQuery } from './audit.schema.ts';
import { pageOfAudit } from './audit.service.ts';

export function auditRoutes({ database }: { database: Database }): Routes {
  return (app) => {
    app.route({
      method: 'GET',
      url: '/audit',
      config: { scope: 'admin' },
      schema: {
        tags: ['Operations'],
        operationId: 'listAudit',
        summary: 'Who changed which setting',
        description: 'Newest first: products, locations, levels’ settings, keys and acknowledged alerts.',
        querystring: AuditQuery,
        response: { 200: AuditPage },
      },
      handler: (request) => pageOfAudit(database, request.query),
    });
  };
}
