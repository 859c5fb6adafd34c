/** The management API's addresses: one Fastify instance each, on the main thread. */
import type { AddressInfo } from 'node:net'
import type { ListenerProfile, ListenerProtocol, ListenerSpec } from '../core/domain/settings.ts'
import { type ApiPorts, createApi } from '../protocol/api/api.ts'

/** A listener as it stands: with its real port. */
export interface BoundListener {
  readonly url: string
  readonly protocol: ListenerProtocol
  readonly profile: ListenerProfile
  readonly host: string
  readonly port: number
}

export interface ApiDoor {
  readonly port: number
  close(): Promise<void>
}

export async function openApiDoor(spec: ListenerSpec, ports: ApiPorts): Promise<ApiDoor> {
  const app = createApi(ports)
  await app.listen({ host: spec.host, port: spec.port })
  const { port } = app.server.address() as AddressInfo
  return { port, close: () => app.close() }
}

export function boundListener(spec: ListenerSpec, port: number): BoundListener {
  const { protocol, profile, host } = spec
  const shown = host.includes(':') ? `[${host}]` : host
  const query = spec.url.includes('?') ? spec.url.slice(spec.url.indexOf('?')) : ''
  return { url: `${protocol}://${shown}:${port}${query}`, protocol, profile, host, port }
}
