/** /keys: credentials of back ends and operators. */
import type { FastifyInstance } from 'fastify'
import type { AccessKeyRequest, AccessKeys } from '../../../core/services/access-keys.ts'
import { answers, type PageQuery, pageOf, pageQuery } from '../responses.ts'
import { policy } from '../schemas.ts'

const tags = ['keys']

export function addKeyRoutes(app: FastifyInstance, keys: AccessKeys): void {
  app.post<{ Body: AccessKeyRequest }>(
    '/keys',
    {
      schema: {
        operationId: 'createKey',
        summary: 'Create an access key; its secret is told in this answer only',
        tags,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            note: { type: 'string', description: 'What it is for; at most 128 characters' },
            api: { type: 'string', enum: ['none', 'read', 'admin'], default: 'none' },
            mqtt: policy,
          },
          examples: [
            { note: 'dashboard', api: 'read', mqtt: { publish: [], subscribe: ['/+/+/user/#'] } },
          ],
        },
        response: answers(201, 'IssuedKey', 400),
      },
    },
    async (request, reply) => reply.code(201).send(await keys.create(request.body)),
  )

  app.get<{ Querystring: PageQuery }>(
    '/keys',
    {
      schema: {
        operationId: 'listKeys',
        summary: 'List access keys, without their secrets',
        tags,
        querystring: pageQuery,
        response: pageOf('AccessKey', 400),
      },
    },
    (request, reply) => reply.send(keys.list(request.query.after, request.query.limit)),
  )

  app.delete<{ Params: { readonly id: string } }>(
    '/keys/:id',
    {
      schema: {
        operationId: 'deleteKey',
        summary: 'Revoke an access key, from the next request on',
        tags,
        params: { type: 'object', properties: { id: { type: 'string' } } },
        response: answers(200, 'AccessKey', 404),
      },
    },
    (request) => keys.delete(request.params.id),
  )
}
