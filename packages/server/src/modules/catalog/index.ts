export { catalogRoutes } from './product.routes.ts';
export { NewProductBody } from './product.schema.ts';
export { createProducts } from './product.service.ts';
