/** The OpenAPI 3.1 document of the management API, and its page at /docs (JSON: /docs/json). */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

const DESCRIPTION = `Products, devices and what they say and do.

Send a key as \`Authorization: Bearer <id>.<secret>\`: role \`read\` for GET, \`admin\` for the rest.
Errors are problems (RFC 9457) with a stable \`code\`. Listings come in pages: pass \`next\` as \`after\`.`

/** Before any route is added: it collects them as they come. */
export async function addOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tidegate management API', version, description: DESCRIPTION },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: '`<id>.<secret>` of an access key' },
        },
      },
      security: [{ key: [] }],
      tags: [
        { name: 'products', description: 'What devices of one kind have in common' },
        { name: 'thing models', description: 'Properties, events and services, as TSL' },
        { name: 'devices', description: 'Registration, status, removal' },
        { name: 'properties', description: 'What devices report, and asking them to change' },
        { name: 'services', description: 'Calls to devices' },
        { name: 'messages', description: 'Raw messages on custom topics' },
        { name: 'keys', description: 'Credentials of back ends and operators' },
        { name: 'platform', description: 'The process itself' },
      ],
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json['$id'] === 'string' ? json['$id'] : `shape-${index}`,
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { persistAuthorization: true, displayOperationId: true, tryItOutEnabled: true },
  })
}
