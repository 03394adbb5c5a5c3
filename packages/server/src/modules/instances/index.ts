export { InstanceRegistry } from './instance.registry.ts';
export { instanceRoutes } from './instance.routes.ts';
export { readInstallationName } from './instance.sql.ts';
