export { catalogRoutes } from './product.routes.ts';
