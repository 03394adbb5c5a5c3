export { alertRoutes } from './alert.routes.ts';
export { AlertSchema } from './alert.schema.ts';
export { resolveAlertsOfLocation } from './alert.service.ts';
