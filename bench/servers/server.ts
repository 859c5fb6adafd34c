/** What the harness asks of a server, each in a file of its own beside this one. */
import { connect, createServer } from 'node:net'
import type { Child } from '../child.ts'
import type { ManagementApi } from '../management-api.ts'

/** `tidegate-2` and `-4` are the same with so many shards. */
export type ServerName =
  | 'tidegate'
  | 'tidegate-2'
  | 'tidegate-4'
  | 'mosquitto'
  | 'aedes'
  | 'nats-server'
  | 'flashmq'

/** `plain`: anyone may publish and subscribe; `tls`: the same over TLS; `device`: signed devices with Alink topics. */
export type Door = 'plain' | 'tls' | 'device'

export interface Place {
  /** Empty, and removed by the harness after the run. */
  readonly directory: string
  readonly cpu: number | undefined
  readonly door: Door
}

export interface RunningServer {
  readonly child: Child
  readonly port: number
  /** Of Tidegate. */
  readonly api?: ManagementApi
}

export interface ServerUnderTest {
  readonly name: ServerName
  /** Why it cannot run here; `undefined`: it can. */
  unavailable(): string | undefined
  version(): string
  /** Resolves once it accepts on 127.0.0.1; a child that failed to get there is stopped. */
  start(place: Place): Promise<RunningServer>
}

export const HOST = '127.0.0.1'
const START_MS = 20_000

/** The promise of `start`, for servers that are given a port and say nothing. */
export async function listening(child: Child, port: number): Promise<RunningServer> {
  return started(child, async () => ((await accepts(port)) ? { child, port } : undefined))
}

/** Waits for `attempt` to find the server ready, and stops it where that does not happen. */
export async function started(
  child: Child,
  attempt: () => Promise<RunningServer | undefined>,
): Promise<RunningServer> {
  try {
    return await child.until(attempt, START_MS)
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** A port that was free a moment ago, for servers that cannot choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, HOST, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    const answer = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket.on('connect', () => answer(true)).on('error', () => answer(false))
  })
}
