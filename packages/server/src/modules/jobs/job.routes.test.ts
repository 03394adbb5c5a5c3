import { describe, expect, it } from 'vitest';
import { NOWHERE, startJobsApp } from './jobs.fixture.ts';

describe('scopes', () => {
  it('only admin may see or do anything of jobs', async () => {
    const closed = await startJobsApp();
    try {
      const keyOf = async (scopes: string[], by?: string): Promise<string> => {
        const answer = await closed.app.inject({
          method: 'POST',
          url: '/api/v1/api-keys',
          payload: { name: scopes.join(), scopes },
          headers: by === undefined ? {} : { authorization: `Bearer ${by}` },
        });
        return answer.json<{ key: string }>().key;
      };
      const admin = await keyOf(['admin']);
      const most = await keyOf(['read', 'reserve', 'stock', 'ingest', 'notify', 'files', 'limit'], admin);
      const routes = [
        'GET /jobs',
        'POST /jobs',
        'GET /jobs/types',
        'GET /jobs/stats',
        'GET /jobs/graph',
        'GET /jobs/upcoming',
        'POST /jobs/schedule-preview',
        `GET /jobs/${NOWHERE}`,
        `PATCH /jobs/${NOWHERE}`,
        `DELETE /jobs/${NOWHERE}`,
        `POST /jobs/${NOWHERE}/run`,
        `GET /jobs/${NOWHERE}/history`,
        'GET /runs',
        `GET /runs/${NOWHERE}`,
        `GET /runs/${NOWHERE}/log`,
        `GET /runs/${NOWHERE}/files/a.csv`,
        `POST /runs/${NOWHERE}/cancel`,
        `POST /runs/${NOWHERE}/redrive`,
        `POST /runs/${NOWHERE}/release`,
        'POST /runs/redrive',
      ];
      for (const route of routes) {
        const [method, url] = route.split(' ') as ['GET', string];
        const ask = async (headers: Record<string, string>): Promise<number> => {
          const payload = method === 'GET' ? {} : { payload: {} };
          return (await closed.app.inject({ method, url: `/api/v1${url}`, headers, ...payload })).statusCode;
        };
        expect([route, await ask({}), await ask({ authorization: `Bearer ${most}` })]).toEqual([route, 401, 403]);
        expect([200, 400, 404]).toContain(await ask({ authorization: `Bearer ${admin}` }));
      }
    } finally {
      await closed.close();
    }
  });
});
