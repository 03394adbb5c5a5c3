import type { HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import type { EventFeed } from './event.feed.ts';
import { pageOfEvents } from './event.list.ts';
import { eventProblems } from './event.problems.ts';
import { EventPage, EventQuery } from './event.schema.ts';

export function registerEventList(app: HttpServer, { feed }: { feed: EventFeed }): void {
  app.route({
    method: 'GET',
    url: '/events',
    config: { scope: 'read' },
    schema: {
      tags: ['Events'],
      operationId: 'listEvents',
      summary: 'Read the stream of events as a list',
      description:
        'Oldest first, each ledger entry once. A page may hold fewer items than `limit`, or none, and still have a `nextCursor`. To poll, go on with `after` set to the page’s `position`.',
      querystring: EventQuery,
      response: { 200: EventPage, 410: Refusal(eventProblems.positionGone) },
    },
    handler: async (request, reply) => {
      const { items, ...page } = await pageOfEvents(feed, request.query);
      // Events are stored as the JSON that is sent; parsing them to write them again would be half of the cost.
      const text = `{"items":[${items.map(({ json }) => json).join(',')}],${JSON.stringify(page).slice(1)}`;
      return reply.type('application/json; charset=utf-8').send(text as never);
    },
  });
}
