/** /products: create, list, show, change, remove. */
import type { FastifyInstance } from 'fastify'
import type { ProductPatch, ProductRequest, Products } from '../../../core/services/products.ts'
import {
  answers,
  type PageQuery,
  type ProductPath,
  pageOf,
  pageQuery,
  productPath,
} from '../responses.ts'
import { productKey, validation } from '../schemas.ts'

const tags = ['products']
const name = { type: 'string', description: '1 to 64 characters', examples: ['Heat meter'] }

export function addProductRoutes(app: FastifyInstance, products: Products): void {
  app.post<{ Body: ProductRequest }>(
    '/products',
    {
      schema: {
        operationId: 'createProduct',
        summary: 'Create a product',
        description:
          'Its key is made unless it is given, as for a product that comes from elsewhere.',
        tags,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { name, productKey, validation: { ...validation, default: 'weak' } },
          examples: [{ name: 'Heat meter' }],
        },
        response: answers(201, 'Product', 400, 409),
      },
    },
    async (request, reply) => {
      const product = await products.create(request.body)
      return reply
        .code(201)
        .header('location', `/api/v1/products/${product.productKey}`)
        .send(product)
    },
  )

  app.get<{ Querystring: PageQuery }>(
    '/products',
    {
      schema: {
        operationId: 'listProducts',
        summary: 'List products, in key order',
        tags,
        querystring: pageQuery,
        response: pageOf('Product', 400),
      },
    },
    (request, reply) => reply.send(products.list(request.query.after, request.query.limit)),
  )

  app.get<{ Params: ProductPath }>(
    '/products/:productKey',
    {
      schema: {
        operationId: 'getProduct',
        summary: 'Show a product',
        tags,
        params: productPath,
        response: answers(200, 'Product', 404),
      },
    },
    (request, reply) => reply.send(products.get(request.params.productKey)),
  )

  app.patch<{ Params: ProductPath; Body: ProductPatch }>(
    '/products/:productKey',
    {
      schema: {
        operationId: 'updateProduct',
        summary: 'Change the name or the validation of a product',
        tags,
        params: productPath,
        body: {
          type: 'object',
          additionalProperties: false,
          minProperties: 1,
          properties: { name, validation },
          examples: [{ validation: 'strong' }],
        },
        response: answers(200, 'Product', 400, 404),
      },
    },
    (request) => products.update(request.params.productKey, request.body),
  )

  app.delete<{ Params: ProductPath }>(
    '/products/:productKey',
    {
      schema: {
        operationId: 'deleteProduct',
        summary: 'Remove a product without devices; answers with what was removed',
        tags,
        params: productPath,
        response: answers(200, 'Product', 404, 409),
      },
    },
    (request) => products.delete(request.params.productKey),
  )
}
