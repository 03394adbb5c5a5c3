export { alertRoutes } from './alert.routes.ts';
export { resolveAlertsOfLocation } from './alert.service.ts';
