/**
 * The management API: HTTP on the main thread, never on the path of a message. Here are its bounds
 * and who answers what; the routes are in `routes/`. The roof listens and closes.
 *
 * Bounds: bodies 512 KiB; a request must have arrived within 15 s and is answered within 45 s (the
 * longest wait for a device is 30 s); idle keep-alive connections close after 60 s.
 */
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import type { StatusReport } from '../../core/domain/status.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import type { Services } from '../../core/services/services.ts'
import { authorize } from './auth.ts'
import { addOpenApi } from './openapi.ts'
import { sendError, sendNotFound } from './problem.ts'
import { addCommandRoutes } from './routes/commands.ts'
import { addDeviceRoutes } from './routes/devices.ts'
import { addKeyRoutes } from './routes/keys.ts'
import { addMetricsRoute } from './routes/metrics.ts'
import { addModelRoutes } from './routes/models.ts'
import { addProductRoutes } from './routes/products.ts'
import { addPropertyRoutes } from './routes/properties.ts'
import { addPublishRoute } from './routes/publish.ts'
import { addHealthRoute, addStatusRoute } from './routes/status.ts'
import { SCHEMAS } from './schemas.ts'
import { useStrictValidation } from './validation.ts'

/** A thing model (limits.md) and a base64 payload of 256 KiB both fit. */
const BODY_BYTES = 524_288
const REQUEST_TIMEOUT_MS = 15_000
const HANDLER_TIMEOUT_MS = 45_000
const KEEP_ALIVE_MS = 60_000

/** The contract's version, not the program's. */
const API_VERSION = '1.0'

export interface ApiPorts {
  readonly services: Services
  /** For keys only: everything else goes through the services. */
  readonly reader: RegistryReader
  readonly status: () => Promise<StatusReport>
  readonly log?: Diagnostics
}

/** Ready to listen, or to be asked by `inject`. Close it to let open requests end. */
export function createApi(ports: ApiPorts): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    handlerTimeout: HANDLER_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    logger: false,
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply, ports.log)
    },
  })
  useStrictValidation(app)
  for (const schema of SCHEMAS) app.addSchema(schema)
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    sendError(error, request, reply, ports.log),
  )
  app.setNotFoundHandler(sendNotFound)
  app.register(async (root) => {
    await addOpenApi(root, API_VERSION)
    await root.register(openRoutes, { prefix: '/api/v1' })
    await root.register(guardedRoutes(ports), { prefix: '/api/v1' })
  })
  return app
}

async function openRoutes(app: FastifyInstance): Promise<void> {
  addHealthRoute(app)
}

function guardedRoutes(ports: ApiPorts): (app: FastifyInstance) => Promise<void> {
  const { services, reader, status } = ports
  return async (app) => {
    app.addHook('onRequest', async (request) => {
      authorize(reader, request.method, request.headers.authorization)
    })
    addProductRoutes(app, services.products)
    addModelRoutes(app, services.models)
    addDeviceRoutes(app, services.devices)
    addPropertyRoutes(app, services.properties)
    addCommandRoutes(app, services.commands)
    addPublishRoute(app, services.publisher)
    addKeyRoutes(app, services.keys)
    addStatusRoute(app, status)
    addMetricsRoute(app, status)
  }
}
