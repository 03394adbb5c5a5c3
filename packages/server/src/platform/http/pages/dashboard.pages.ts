import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer, Routes } from '../http.options.ts';
import { openToAll } from '../route.guard.ts';
import { ASK_AGAIN, FOR_EVER, PAGE_HEADERS } from './page.policy.ts';

const SHELL = 'index.html';
/** First parts of paths that are data: an unknown one below them is a problem, never a page. */
const DATA = new Set(['api', 'health', 'metrics', 'openapi.json', 'docs']);
/** Of the build, and nobody's to ask for. */
const KEPT_BACK = /(?:\.(?:br|gz|json)$|^\.)/;

/**
 * The dashboard's built files, and its one page at every path that one of its pages has (`pages.json` of the build). At
 * a path that nobody has, a browser is shown the page that says so, with 404, and a program gets a problem.
 *
 * @param folder where the build is; null where there is none: then `/` leads to the reference of the API
 */
export function dashboardPages(folder: string | null): Routes {
  if (folder === null || !existsSync(join(folder, SHELL))) return leadToDocs;
  const pages = new Set(JSON.parse(readFileSync(join(folder, 'pages.json'), 'utf8')) as string[]);
  const files = new Set(readdirSync(folder).filter((name) => name !== SHELL && !KEPT_BACK.test(name)));
  const show = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const first = firstPartOf(request.url);
    if (files.has(first)) return reply.sendFile(pathOf(request.url));
    const isPage = pages.has(first);
    if (DATA.has(first) || (!isPage && !wantsPage(request))) {
      reply.callNotFound();
      return reply;
    }
    if (!isPage) reply.code(404);
    return reply.sendFile(SHELL);
  };
  return async (root) => {
    await root.register(async (app) => {
      openToAll(app);
      await app.register(fastifyStatic, {
        root: folder,
        // Files are sent by `show`: whatever else is asked for may be a page.
        serve: false,
        preCompressed: true,
        cacheControl: false,
        setHeaders: (reply, path) => {
          reply.header('cache-control', path.includes(`${sep}assets${sep}`) ? FOR_EVER : ASK_AGAIN);
          for (const [name, value] of PAGE_HEADERS) reply.header(name, value);
        },
      });
      for (const url of ['/', '/*']) {
        app.route({ method: 'GET', url, schema: { hide: true }, handler: show });
      }
    });
  };
}

function leadToDocs(app: HttpServer): void {
  app.route({
    method: 'GET',
    url: '/',
    config: { scope: 'public' },
    schema: { hide: true },
    handler: (_request, reply) => void reply.redirect('/docs', 302),
  });
}

/** `inventory` of `/inventory/SKU-1?at=…`; empty for `/`, and `/`, which nothing is called, where there are two. */
function firstPartOf(url: string): string {
  return /^\/(\/|[^/?#]*)/.exec(url)?.[1] ?? '';
}

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? '';
}

/** A browser that navigates names text/html; `*`/`*`, as programs send, is not enough. */
function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}
