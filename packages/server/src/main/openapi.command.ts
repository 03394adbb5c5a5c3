import type { Command } from 'commander';
import { registerDocument } from './document.command.ts';

export function register(program: Command): void {
  registerDocument(program, {
    name: 'openapi',
    kind: 'OpenAPI 3.1',
    served: '/openapi.json, and a page of it at /docs.',
    make: makeDocument,
  });
}

/** The document of the routes. */
async function makeDocument(): Promise<object> {
  const { loadConfig } = await import('../platform/config/index.ts');
  const { openApiDocument } = await import('../platform/http/index.ts');
  const { createLogger } = await import('../platform/log/index.ts');
  const { openDatabase } = await import('./installation.ts');
  const { createServer } = await import('./server.ts');
  const log = createLogger('warn');
  const database = openDatabase({ connection: {}, log });
  const server = await createServer({ config: loadConfig({}), log, database, runtimeMetrics: false });
  try {
    return openApiDocument(server.app);
  } finally {
    await server.close();
    await database.close();
  }
}
