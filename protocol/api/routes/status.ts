/** /status for operators, /health for load balancers. */
import type { FastifyInstance } from 'fastify'
import type { StatusReport } from '../../../core/domain/status.ts'
import { answers } from '../responses.ts'

const tags = ['platform']

export function addStatusRoute(app: FastifyInstance, status: () => Promise<StatusReport>): void {
  app.get(
    '/status',
    {
      schema: {
        operationId: 'getStatus',
        summary: 'Show what the platform is doing, shard by shard',
        tags,
        response: answers(200, 'StatusReport', 504),
      },
    },
    () => status(),
  )
}

/** Open to everyone: it says only that the main thread answers. */
export function addHealthRoute(app: FastifyInstance): void {
  app.get(
    '/health',
    {
      schema: {
        operationId: 'getHealth',
        summary: 'Answers while the platform runs; needs no key',
        tags,
        security: [],
        response: {
          200: {
            description: 'OK',
            type: 'object',
            required: ['status'],
            properties: { status: { type: 'string', enum: ['ok'] } },
          },
        },
      },
    },
    (_request, reply) => reply.send({ status: 'ok' }),
  )
}
