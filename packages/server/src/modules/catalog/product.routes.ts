import { stockProblems, type Engine } from '../../engine/index.ts';
import { problems } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import {
  NewProductBody,
  ProductBatchAnswer,
  ProductBatchBody,
  ProductPage,
  ProductPatchBody,
  ProductPath,
  ProductQuery,
  ProductSchema,
} from './product.schema.ts';
import { createProduct, createProducts, getProduct, pageOfProducts } from './product.service.ts';

const tags = ['Catalog'];
const admin = { scope: 'admin' } as const;
const read = { scope: 'read' } as const;
const notFound = Refusal(stockProblems.productNotFound);
const changed = Refusal(problems.preconditionFailed);

export function catalogRoutes({ engine, database }: { engine: Engine; database: Database }): Routes {
  return (app) => {
    makingRoutes(app, engine);
    readingRoutes(app, database);
    changingRoutes(app, engine);
  };
}

function makingRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/products',
    config: admin,
    schema: {
      tags,
      operationId: 'createProduct',
      summary: 'Create a product',
      description: 'The stock settings are defaults that its levels follow until they set their own.',
      body: NewProductBody,
      response: { 201: ProductSchema, 409: Refusal(stockProblems.duplicateSku) },
    },
    handler: async (request, reply) => sendAnswer(reply, await createProduct(engine, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/products/batch',
    config: { ...admin, bodyLimit: 'bulk' },
    schema: {
      tags,
      operationId: 'createProducts',
      summary: 'Create up to 10,000 products',
      description:
        'Each on its own: 200 also when some were refused, with `duplicate_sku` for a sku that is taken, or that an earlier item of the request has. Made in chunks of 500; a repeat under the same Idempotency-Key goes on at the first chunk that is missing.',
      body: ProductBatchBody,
      response: { 200: ProductBatchAnswer },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await createProducts(engine, request.body.products, metaOf(request))),
  });
}

function readingRoutes(app: HttpServer, database: Database): void {
  app.route({
    method: 'GET',
    url: '/products',
    config: read,
    schema: {
      tags,
      operationId: 'listProducts',
      summary: 'List products',
      description: 'By sku, unless `sort` says otherwise. Archived ones are listed only with `archived=true`.',
      querystring: ProductQuery,
      response: { 200: ProductPage },
    },
    handler: (request) => pageOfProducts(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/products/:sku',
    config: { ...read, conditional: true },
    schema: {
      tags,
      operationId: 'getProduct',
      summary: 'Get a product',
      description: 'An archived one answers too, with `archivedAt`.',
      params: ProductPath,
      response: { 200: ProductSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const product = await getProduct(database, request.params.sku);
      reply.header('etag', etagOf(product.version));
      return product;
    },
  });
}

function changingRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'PATCH',
    url: '/products/:sku',
    config: admin,
    schema: {
      tags,
      operationId: 'updateProduct',
      summary: 'Change a product',
      description:
        'What is not given stays, null clears; where nothing changes, neither does the version. Its levels follow its stock settings where they have none of their own, and open or resolve their alerts with them. A new `sku` frees the old one; the ledger shows the new one.',
      params: ProductPath,
      body: ProductPatchBody,
      response: {
        200: ProductSchema,
        404: notFound,
        409: Refusal(stockProblems.productArchived, stockProblems.duplicateSku),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const { sku } = request.params;
      const command = { kind: 'updateProduct', sku, patch: request.body, ifMatch: ifMatchOf(request) } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/products/:sku',
    config: admin,
    schema: {
      tags,
      operationId: 'archiveProduct',
      summary: 'Archive a product',
      description:
        'It leaves the lists and its name stays taken; the ledger keeps it. Refused while it has stock or open reservations. An archived one answers 204 again.',
      params: ProductPath,
      response: {
        204: NoContent,
        404: notFound,
        409: Refusal(stockProblems.productInUse),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const { sku } = request.params;
      const command = { kind: 'archiveProduct', sku, ifMatch: ifMatchOf(request) } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
}
