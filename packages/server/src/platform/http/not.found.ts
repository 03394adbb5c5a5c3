import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, problems } from '../../kernel/problem.ts';
import { sendProblem } from './error.mapping.ts';
import type { HttpServer } from './http.options.ts';
import { stampHeaders } from './route.guard.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * 404 for a path that no route has; 405, with what is allowed, for one that has other methods.
 *
 * @param hint where to look instead, to be read after a colon
 */
export function answerUnknownRoutes(app: HttpServer, hint: string): void {
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    stampHeaders(request, reply);
    const allowed = allowedMethods(app, request.url);
    if (allowed === '') {
      const detail = `There is no ${request.method} ${pathOf(request.url).slice(0, 200)}: ${hint}.`;
      return sendProblem(new Problem(problems.routeNotFound, detail), request, reply);
    }
    reply.header('allow', allowed);
    if (request.method === 'OPTIONS') return reply.code(204).send();
    const detail = `${request.method} is not allowed here; allowed: ${allowed}.`;
    return sendProblem(new Problem(problems.methodNotAllowed, detail), request, reply);
  });
}

function allowedMethods(app: HttpServer, url: string): string {
  const path = pathOf(url);
  const allowed = METHODS.filter((method) => {
    const route = app.findRoute({ method, url: path });
    // A route for all paths, such as the dashboard's, says nothing about this one.
    return route !== null && !('*' in route.params);
  });
  return allowed.length === 0 ? '' : [...allowed, 'OPTIONS'].join(', ');
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
