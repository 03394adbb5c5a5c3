import type { HttpServer } from '../../src/platform/http/index.ts';

/** A route, as the OpenAPI document names it. */
export interface DocumentedRoute {
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** Names of its query parameters. */
  query: string[];
  hasBody: boolean;
}

interface OpenApi {
  paths: Record<string, Record<string, { parameters?: { in: string; name: string }[]; requestBody?: unknown }>>;
}

/** Every route of the server: tests that go through this list cannot forget one. */
export async function listRoutes(app: HttpServer): Promise<DocumentedRoute[]> {
  const { paths } = (await app.inject({ url: '/openapi.json' })).json<OpenApi>();
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      hasBody: requestBody !== undefined,
    })),
  );
}

export const nameOf = ({ method, path }: Pick<DocumentedRoute, 'method' | 'path'>): string => `${method} ${path}`;
