/** /metrics: the status for Prometheus. */
import type { FastifyInstance } from 'fastify'
import type { StatusReport } from '../../../core/domain/status.ts'
import { METRICS_TYPE, metricsText } from '../metrics/metrics-text.ts'
import { answersAs } from '../responses.ts'

export function addMetricsRoute(app: FastifyInstance, status: () => Promise<StatusReport>): void {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Show the status as Prometheus metrics',
        description: 'Text format 0.0.4. A scraper needs a key of role `read`.',
        tags: ['platform'],
        response: answersAs(200, 'text/plain', { type: 'string' }, 504),
      },
    },
    async (_request, reply) => reply.type(METRICS_TYPE).send(await metricsText(await status())),
  )
}
