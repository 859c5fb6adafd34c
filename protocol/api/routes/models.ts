/** /products/{productKey}/model: the thing model as TSL JSON. */
import type { FastifyInstance } from 'fastify'
import type { ThingModels } from '../../../core/services/thing-models.ts'
import { answers, answersWith, type ProductPath, productPath } from '../responses.ts'

const MAX_MODEL_BYTES = 524_288 // limits.md, "TSL import"
const tags = ['thing models']

const EXAMPLE = {
  schema: 'https://iotx-tsl.oss-ap-southeast-1.aliyuncs.com/schema.json',
  profile: { version: '1.2', productKey: 'k1demoPK01a' },
  properties: [
    {
      identifier: 'temperature',
      name: 'Temperature',
      accessMode: 'r',
      required: false,
      dataType: { type: 'float', specs: { min: '-40', max: '85', step: '0.1', unit: '°C' } },
    },
  ],
  events: [],
  services: [],
}

export function addModelRoutes(app: FastifyInstance, models: ThingModels): void {
  const tsl = { type: 'object', additionalProperties: true, examples: [EXAMPLE] }

  app.get<{ Params: ProductPath }>(
    '/products/:productKey/model',
    {
      schema: {
        operationId: 'exportModel',
        summary: 'Export the thing model as TSL',
        tags,
        params: productPath,
        response: answersWith(200, tsl, 404, 409),
      },
    },
    (request, reply) => reply.send(models.export(request.params.productKey)),
  )

  app.put<{ Params: ProductPath; Body: unknown }>(
    '/products/:productKey/model',
    {
      bodyLimit: MAX_MODEL_BYTES,
      schema: {
        operationId: 'importModel',
        summary: 'Import a thing model (TSL), replacing the one before',
        description:
          'Holds for the next message of every device. A model with faults is refused whole, and each fault is told with its path.',
        tags,
        params: productPath,
        body: tsl,
        response: answers(200, 'ModelSummary', 400, 404, 413, 422),
      },
    },
    (request) => models.import(request.params.productKey, request.body),
  )
}
