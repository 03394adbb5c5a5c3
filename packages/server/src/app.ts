import { createHttpServer, mount, type HttpOptions, type HttpServer, type Routes } from './platform/http/index.ts';

const API_PREFIX = '/api/v1';

export interface AppOptions {
  http: HttpOptions;
  /** The routes of each module, ready to be declared. */
  features: readonly Routes[];
  /** Routes at the root, such as the dashboard's. */
  pages?: readonly Routes[];
}

/** The whole server, not listening yet: what `serve` runs and what tests talk to. */
export async function buildApp({ http, features, pages = [] }: AppOptions): Promise<HttpServer> {
  const app = await createHttpServer(http);
  await mount(app, API_PREFIX, features);
  await mount(app, '', pages);
  await app.ready();
  return app;
}
