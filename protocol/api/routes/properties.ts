/** …/devices/{deviceName}/properties: current values, and asking a device to change some. */
import type { FastifyInstance, FastifyReply, RouteShorthandOptions } from 'fastify'
import type { CommandOutcome } from '../../../core/domain/device-message.ts'
import type { JsonObject } from '../../../core/domain/json.ts'
import { MAX_WAIT_MS } from '../../../core/services/commands.ts'
import type { Properties } from '../../../core/services/properties.ts'
import { answersWith, type DevicePath, devicePath } from '../responses.ts'
import type { Schema } from '../schemas.ts'

const PATH = '/products/:productKey/devices/:deviceName/properties'
const tags = ['properties']

interface SetBody {
  readonly values: JsonObject
  readonly waitMs: number
}

/** Shared with service calls: how long to hold the request for the device's reply. */
export const waitMs: Schema = {
  type: 'integer',
  minimum: 0,
  maximum: MAX_WAIT_MS,
  default: 0,
  description: '0 answers once the command is on its way, else with the device’s reply',
}

export function addPropertyRoutes(app: FastifyInstance, properties: Properties): void {
  app.get<{ Params: DevicePath }>(
    PATH,
    {
      schema: {
        operationId: 'getProperties',
        summary: 'Show the latest value of every reported property',
        tags,
        params: devicePath,
        response: answersWith(200, currentValues, 404, 504),
      },
    },
    async (request) => ({ items: await properties.get(request.params) }),
  )

  for (const method of ['post', 'put'] as const) {
    app[method]<{ Params: DevicePath; Body: SetBody }>(
      PATH,
      setOptions(method === 'post' ? 'setProperties' : 'putProperties'),
      async ({ params, body }, reply) =>
        sendOutcome(reply, await properties.set(params, body.values, body.waitMs)),
    )
  }
}

/** 202 while the reply is still out, 200 with it. */
export function sendOutcome(reply: FastifyReply, outcome: CommandOutcome): FastifyReply {
  return reply.code(outcome.kind === 'sent' ? 202 : 200).send(outcome)
}

/** The answers of every command to a device. */
export function commandAnswers(...problems: number[]): Record<number, object> {
  const outcome = { $ref: 'CommandOutcome#' }
  return {
    ...answersWith(200, outcome, 400, 404, 409, 422, 429, 504, ...problems),
    ...answersWith(202, outcome),
  }
}

const currentValues = {
  type: 'object',
  required: ['items'],
  properties: { items: { type: 'array', items: { $ref: 'CurrentProperty#' } } },
}

function setOptions(operationId: string): RouteShorthandOptions {
  return {
    schema: {
      operationId,
      summary: 'Ask a device to set properties',
      description:
        'The values are held against the thing model with every range and length. They change here when the device reports them.',
      tags,
      params: devicePath,
      body: {
        type: 'object',
        additionalProperties: false,
        required: ['values'],
        properties: { values: { type: 'object', additionalProperties: true }, waitMs },
        examples: [{ values: { targetTemperature: 21 }, waitMs: 5000 }],
      },
      response: commandAnswers(),
    },
  }
}
