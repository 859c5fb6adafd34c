/** The management API over in-memory ports, with one key of each role and a fleet of one. */
import type { TestContext } from 'node:test'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { StatusReport } from '../../../core/domain/status.ts'
import type { Diagnostics } from '../../../core/ports/diagnostics.ts'
import { createApi } from '../../../protocol/api/api.ts'
import { type MeterHouse, meterHouse, NOW } from '../../support/service-house.ts'
import { servingShard } from '../../support/shard-status.ts'

export const STATUS: StatusReport = {
  version: '0.1.0',
  startedAt: NOW,
  uptimeSec: 12.5,
  durability: 'commit',
  shards: [
    servingShard({
      connections: 3,
      devicesOnline: 2,
      messagesIn: 10,
      messagesOut: 4,
      lagMs: 1.25,
      log: { sequence: 12, writes: 6, bytes: 1000 },
      refusals: { 'connect.refused.bad-signature': 2 },
      counters: { 'connect.accepted': 5 },
    }),
  ],
  devices: { registered: 1, online: 2 },
  recovery: { entries: 7, rows: 1, tookMs: 12 },
  memory: { rssBytes: 104_857_600 },
  cpu: { userSec: 1.5, systemSec: 0.25 },
}

export interface ApiHouse extends MeterHouse {
  readonly app: FastifyInstance
  readonly keys: { readonly read: string; readonly admin: string; readonly mqtt: string }
  /** What diagnostics were told. */
  readonly logged: string[]
  /** Asks with the admin key, below /api/v1. */
  readonly ask: (
    method: InjectOptions['method'] & string,
    path: string,
    body?: unknown,
  ) => Promise<LightMyRequestResponse>
}

export async function apiHouse(
  t: TestContext,
  status: () => Promise<StatusReport> = async () => STATUS,
): Promise<ApiHouse> {
  const house = await meterHouse()
  const logged: string[] = []
  const { services, registry: reader } = house
  const app = createApi({ services, reader, status, log: listening(logged) })
  t.after(() => app.close())
  const issue = async (request: Parameters<typeof services.keys.create>[0]): Promise<string> => {
    const { id, secret } = await services.keys.create(request)
    return `${id}.${secret}`
  }
  const keys = {
    read: await issue({ api: 'read' }),
    admin: await issue({ api: 'admin' }),
    mqtt: await issue({ mqtt: { publish: [], subscribe: ['#'] } }),
  }
  const ask: ApiHouse['ask'] = (method, path, body) =>
    app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${keys.admin}` },
      ...(body === undefined ? {} : { payload: body as object }),
    } as InjectOptions)
  return { ...house, app, keys, logged, ask }
}

function listening(logged: string[]): Diagnostics {
  const write = (message: string, facts?: object): void => {
    logged.push(`${message} ${JSON.stringify(facts)}`)
  }
  return { debug: write, info: write, warn: write, error: write }
}
