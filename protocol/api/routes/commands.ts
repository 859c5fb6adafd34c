/** …/devices/{deviceName}/services/{service}: calls of thing-model services. */
import type { FastifyInstance } from 'fastify'
import type { JsonObject } from '../../../core/domain/json.ts'
import type { Commands } from '../../../core/services/commands.ts'
import { type DevicePath, devicePath } from '../responses.ts'
import { commandAnswers, sendOutcome, waitMs } from './properties.ts'

interface CallBody {
  readonly inputs: JsonObject
  readonly waitMs: number
}

export function addCommandRoutes(app: FastifyInstance, commands: Commands): void {
  app.post<{ Params: DevicePath & { readonly service: string }; Body: CallBody }>(
    '/products/:productKey/devices/:deviceName/services/:service',
    {
      schema: {
        operationId: 'callService',
        summary: 'Call a service of a device',
        tags: ['services'],
        params: {
          type: 'object',
          properties: {
            ...(devicePath['properties'] as object),
            service: { type: 'string', examples: ['Reboot'] },
          },
        },
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            inputs: { type: 'object', additionalProperties: true, default: {} },
            waitMs,
          },
          examples: [{ inputs: { Delay: 5 }, waitMs: 5000 }],
        },
        response: commandAnswers(),
      },
    },
    async ({ params, body }, reply) =>
      sendOutcome(
        reply,
        await commands.callService(params, params.service, body.inputs, body.waitMs),
      ),
  )
}
