export { locationRoutes } from './location.routes.ts';
export { LocationSchema } from './location.schema.ts';
