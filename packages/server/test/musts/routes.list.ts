import type { HttpServer } from '../../src/platform/http/index.ts';

/** A route, as the OpenAPI document names it. */
export interface DocumentedRoute {
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** Names of its query parameters. */
  query: string[];
  hasBody: boolean;
  /** What it goes on to be where it lets in: `inject` would wait for the end of it. */
  streams: 'events' | 'socket' | null;
}

interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: unknown;
  responses: Record<string, { content?: Record<string, unknown> }>;
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

/** Every route of the server: tests that go through this list cannot forget one. */
export async function listRoutes(app: HttpServer): Promise<DocumentedRoute[]> {
  const { paths } = (await app.inject({ url: '/openapi.json' })).json<OpenApi>();
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      hasBody: requestBody !== undefined,
      streams: streamOf(responses),
    })),
  );
}

function streamOf(responses: Operation['responses']): DocumentedRoute['streams'] {
  if (responses['101'] !== undefined) return 'socket';
  return responses['200']?.content?.['text/event-stream'] === undefined ? null : 'events';
}

export const nameOf = ({ method, path }: Pick<DocumentedRoute, 'method' | 'path'>): string => `${method} ${path}`;
