export { etagOf, etagOfBody, ifMatchOf, metaOf, sendAnswer } from './command.meta.ts';
export { wantsFresh } from './conditional.ts';
export { openApiDocument } from './documentation.ts';
export { setHeaderLines } from './header.lines.ts';
export {
  HTTP_DEFAULTS,
  type HttpConfig,
  type HttpOptions,
  type HttpServer,
  type Readiness,
  type Routes,
  type TrustProxy,
} from './http.options.ts';
export { dashboardPages } from './pages/dashboard.pages.ts';
export type {
  LimitedReply,
  LimitedRequest,
  LimitedRoute,
  Load,
  RequestLimiter,
  RouteCharges,
} from './request.limit.ts';
export * from './schemas.ts';
export { createHttpServer, createProbeServer, mount } from './server.ts';
export { parseTimestamp } from './timestamp.format.ts';
export type { Answer, CommandMeta, IdempotencyRequest } from '../../kernel/command.ts';
export type { Caller, Scope } from '../auth/index.ts';
