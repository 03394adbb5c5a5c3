import swagger from '@fastify/swagger';
import type { HttpOptions, HttpServer } from './http.options.ts';

/** Collects the routes for the OpenAPI document. Must be there before the first of them. */
export async function documentRoutes(app: HttpServer, { version }: HttpOptions): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Holdfast', version } },
  });
}

export function openApiDocument(app: HttpServer): object {
  return app.swagger();
}
