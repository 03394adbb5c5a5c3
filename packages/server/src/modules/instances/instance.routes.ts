import type { Database } from '../../platform/database/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Routes } from '../../platform/http/index.ts';
import { LOST_AFTER_MS } from './instance.registry.ts';
import { InstancePage, type InstanceView } from './instance.schema.ts';
import { listInstances, type SeenInstance } from './instance.sql.ts';

export function instanceRoutes({ database }: { database: Database }): Routes {
  return (app) => {
    app.route({
      method: 'GET',
      url: '/instances',
      config: { scope: 'admin' },
      schema: {
        tags: ['Operations'],
        operationId: 'listInstances',
        summary: 'Which instances serve this installation',
        description:
          'The oldest first, and at most 200. One that stops takes itself off the list; one that died is shown as lost for an hour.',
        response: { 200: InstancePage },
      },
      handler: async () => ({ items: (await listInstances(database.kysely)).map(instanceView), nextCursor: null }),
    });
  };
}

function instanceView(row: SeenInstance): InstanceView {
  return {
    id: row.id,
    address: row.address,
    host: row.host,
    pid: row.pid,
    version: row.version,
    status: row.silentMs > LOST_AFTER_MS ? 'lost' : 'up',
    signals: row.signals as InstanceView['signals'],
    startedAt: toRfc3339(row.started_at),
    seenAt: toRfc3339(row.seen_at),
  };
}
