import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { Type } from 'typebox';
import { SESSION_COOKIE } from '../auth/index.ts';
import { sendAnswer } from './command.meta.ts';
import type { HttpOptions, HttpServer } from './http.options.ts';
import { nameSchemas } from './openapi.components.ts';
import { describeRoute } from './openapi.routes.ts';
import { openToAll } from './route.guard.ts';

const DESCRIPTION = `Inventory and reservations that cannot oversell.

Send \`Idempotency-Key\` with a command and repeat it until it is answered: it takes effect once. Errors are RFC 9457
problems; programs look at \`code\`, people at \`detail\`.`;

const TAGS = [
  ['Catalog', 'What is stocked.'],
  ['Locations', 'The places that hold stock.'],
  ['Inventory', 'Levels, adjustments, availability.'],
  ['Ledger', 'Every movement, for ever.'],
  ['Reservations', 'Holds that expire, confirmations, shipments.'],
  ['Transfers', 'Stock moved between locations.'],
  ['Alerts', 'Conditions of a level that a person should know.'],
  ['Events', 'What happened, as a list, a stream or a WebSocket.'],
  ['Webhooks', 'Events, sent to you.'],
  ['Rate limits', 'How much callers may do, here and at services of yours.'],
  ['Jobs', 'Work that is done again and again, and its runs.'],
  ['People', 'Who may sign in, and sessions.'],
  ['Operations', 'Health, metrics, keys, audit.'],
] as const;

/** Its own policy: a page with scripts and styles of this server, and nothing from elsewhere or inline. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Its own styles know a dark page, and wait for somebody to ask for it: it follows the system, as the dashboard does. */
const DARK_SCRIPT = `const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();`;
const DARK_STYLE = 'html.dark-mode body { background: none }';

/** Collects the routes for the OpenAPI document, and serves it and its page. Must be there before the first route. */
export async function documentRoutes(app: HttpServer, { version }: HttpOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdfast',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: TAGS.map(([name, description]) => ({ name, description })),
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    convertConstToEnum: false,
    transform: describeRoute,
    transformObject: (documents) => nameSchemas(documents as { openapiObject: Record<string, unknown> }),
  });
  await app.register(async (docs) => {
    openToAll(docs);
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: DOCS_POLICY,
      theme: {
        title: 'Holdfast API',
        js: [{ filename: 'dark.js', content: DARK_SCRIPT }],
        css: [{ filename: 'dark.css', content: DARK_STYLE }],
      },
      uiConfig: { layout: 'BaseLayout', docExpansion: 'list', displayOperationId: true, tryItOutEnabled: true },
    });
  });
  let json: string | null = null;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { scope: 'public' },
    schema: {
      tags: ['Operations'],
      operationId: 'getOpenApi',
      summary: 'This document',
      response: { 200: Type.Object({ openapi: Type.Literal('3.1.0') }, { additionalProperties: true }) },
    },
    handler: (_request, reply) => {
      json ??= JSON.stringify(openApiDocument(app));
      return sendAnswer(reply, { status: 200, body: json });
    },
  });
}

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT of the configured issuer.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'An API key.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_COOKIE,
    description: 'Of a person who signed in. Counts on pages of this origin only.',
  },
} as const;

/** The OpenAPI document of all routes. The server must be ready. */
export function openApiDocument(app: HttpServer): object {
  return app.swagger();
}
