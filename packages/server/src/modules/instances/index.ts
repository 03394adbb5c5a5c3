export { InstanceRegistry } from './instance.registry.ts';
export { instanceRoutes } from './instance.routes.ts';
export { readInstallationLife, readInstallationName } from './instance.sql.ts';
