/** …/devices/{deviceName}/publish: a raw message to a custom topic of one device. */
import type { FastifyInstance } from 'fastify'
import { PlatformError } from '../../../core/domain/errors.ts'
import type { Publisher } from '../../../core/services/publisher.ts'
import { answersWith, type DevicePath, devicePath } from '../responses.ts'

interface PublishBody {
  readonly topic: string
  readonly payload: string
  readonly encoding: 'utf8' | 'base64'
  readonly qos: 0 | 1
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function addPublishRoute(app: FastifyInstance, publisher: Publisher): void {
  app.post<{ Params: DevicePath; Body: PublishBody }>(
    '/products/:productKey/devices/:deviceName/publish',
    {
      schema: {
        operationId: 'publish',
        summary: 'Publish a raw message to a custom topic of a device',
        description:
          'Only `/{productKey}/{deviceName}/user/…`, whole or from `user/` on. Delivered now or refused; nothing is kept for later.',
        tags: ['messages'],
        params: devicePath,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['topic', 'payload'],
          properties: {
            topic: { type: 'string', examples: ['user/config'] },
            payload: { type: 'string', description: 'At most 256 KiB once decoded' },
            encoding: { type: 'string', enum: ['utf8', 'base64'], default: 'utf8' },
            qos: { type: 'integer', enum: [0, 1], default: 0 },
          },
          examples: [{ topic: 'user/config', payload: '{"interval":60}', qos: 1 }],
        },
        response: answersWith(200, sentTo, 400, 404, 409, 413, 422, 429, 504),
      },
    },
    async ({ params, body }) => {
      const message = { topic: body.topic, payload: payloadOf(body), qos: body.qos }
      return { topic: await publisher.publish(params, message) }
    },
  )
}

const sentTo = {
  type: 'object',
  required: ['topic'],
  properties: { topic: { type: 'string', description: 'The whole topic it went to' } },
}

/** Strict: what is not base64 is refused, not half decoded. @throws request.invalid */
function payloadOf({ payload, encoding }: PublishBody): Uint8Array {
  if (encoding === 'base64' && !BASE64.test(payload)) {
    const errors = [{ path: '/payload', message: 'is not base64' }]
    throw new PlatformError('request.invalid', '/payload: is not base64', { details: { errors } })
  }
  return Buffer.from(payload, encoding)
}
