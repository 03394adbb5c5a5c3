export { catalogRoutes } from './product.routes.ts';
export { NewProductBody, ProductSchema } from './product.schema.ts';
export { createProducts } from './product.service.ts';
