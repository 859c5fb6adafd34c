/**
 * /products/{productKey}/devices: register (one or many), list, show, enable or disable, remove.
 */
import type { FastifyInstance } from 'fastify'
import {
  type DeviceRequest,
  type Devices,
  MAX_BATCH_DEVICES,
} from '../../../core/services/devices.ts'
import {
  answers,
  type DevicePath,
  devicePath,
  type PageQuery,
  type ProductPath,
  pageOf,
  pageQuery,
  productPath,
} from '../responses.ts'
import { deviceName } from '../schemas.ts'

const tags = ['devices']
const deviceRequest = {
  type: 'object',
  additionalProperties: false,
  properties: {
    deviceName: {
      ...deviceName,
      description: '4 to 32 of A-Z a-z 0-9 _ - @ . :  Made where absent.',
    },
    deviceSecret: {
      type: 'string',
      description: '16 to 64 letters and digits. Made where absent.',
    },
  },
  examples: [{ deviceName: 'meter-0042' }],
}

export function addDeviceRoutes(app: FastifyInstance, devices: Devices): void {
  addRegistration(app, devices)

  app.get<{ Params: ProductPath; Querystring: PageQuery }>(
    '/products/:productKey/devices',
    {
      schema: {
        operationId: 'listDevices',
        summary: 'List the devices of a product with their status, in name order',
        tags,
        params: productPath,
        querystring: pageQuery,
        response: pageOf('DeviceSummary', 400, 404),
      },
    },
    (request, reply) => {
      const { after, limit } = request.query
      return reply.send(devices.list(request.params.productKey, after, limit))
    },
  )

  app.get<{ Params: DevicePath }>(
    '/products/:productKey/devices/:deviceName',
    {
      schema: {
        operationId: 'getDevice',
        summary: 'Show a device with its live status',
        tags,
        params: devicePath,
        response: answers(200, 'DeviceDetail', 404, 504),
      },
    },
    (request) => devices.get(request.params),
  )

  app.patch<{ Params: DevicePath; Body: { readonly enabled: boolean } }>(
    '/products/:productKey/devices/:deviceName',
    {
      schema: {
        operationId: 'updateDevice',
        summary: 'Enable or disable a device; disabling closes its connection',
        tags,
        params: devicePath,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['enabled'],
          properties: { enabled: { type: 'boolean' } },
          examples: [{ enabled: false }],
        },
        response: answers(200, 'Device', 400, 404),
      },
    },
    ({ params, body }) => (body.enabled ? devices.enable(params) : devices.disable(params)),
  )

  app.delete<{ Params: DevicePath }>(
    '/products/:productKey/devices/:deviceName',
    {
      schema: {
        operationId: 'deleteDevice',
        summary: 'Remove a device; closes its connection and answers with what was removed',
        tags,
        params: devicePath,
        response: answers(200, 'RemovedDevice', 404, 504),
      },
    },
    (request) => devices.delete(request.params),
  )
}

function addRegistration(app: FastifyInstance, devices: Devices): void {
  app.post<{ Params: ProductPath; Body: DeviceRequest }>(
    '/products/:productKey/devices',
    {
      schema: {
        operationId: 'registerDevice',
        summary: 'Register a device; its secret is told in this answer only',
        tags,
        params: productPath,
        body: deviceRequest,
        response: answers(201, 'RegisteredDevice', 400, 404, 409),
      },
    },
    async (request, reply) => {
      const device = await devices.register(request.params.productKey, request.body)
      const path = `/api/v1/products/${device.productKey}/devices/${device.deviceName}`
      return reply.code(201).header('location', path).send(device)
    },
  )

  app.post<{ Params: ProductPath; Body: { readonly devices: readonly DeviceRequest[] } }>(
    '/products/:productKey/devices/batch',
    {
      schema: {
        operationId: 'registerDevices',
        summary: `Register up to ${MAX_BATCH_DEVICES} devices; each stands or fails alone`,
        tags,
        params: productPath,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['devices'],
          properties: {
            devices: {
              type: 'array',
              minItems: 1,
              maxItems: MAX_BATCH_DEVICES,
              items: deviceRequest,
            },
          },
          examples: [{ devices: [{ deviceName: 'meter-0042' }, { deviceName: 'meter-0043' }] }],
        },
        response: answers(200, 'BatchOutcome', 400, 404),
      },
    },
    (request) => devices.registerMany(request.params.productKey, request.body.devices),
  )
}
