/** Who runs in a workload, and in which shape. */
import type { Contestant } from './contest.ts'
import type { BenchOptions, Shape, WorkloadName } from './options.ts'
import { aedes } from './servers/aedes.ts'
import { mosquitto } from './servers/mosquitto.ts'
import type { ServerUnderTest } from './servers/server.ts'
import { shardedTidegates, tidegate } from './servers/tidegate.ts'
import { postPayloads } from './telemetry-devices.ts'
import { ingest, pairs, telemetry } from './traffic.ts'

/** The first that runs is what the others are compared with. */
export const SERVERS: readonly ServerUnderTest[] = [tidegate, ...shardedTidegates, mosquitto, aedes]

/** The command line's shape, with what the workload says where the command line is silent. */
export function shapeOf(workload: WorkloadName, options: BenchOptions): Shape {
  const { publishers, window, chunk, warmSec, seconds, replies } = options
  return {
    publishers,
    qos: options.qos ?? (workload === 'pairs' ? 0 : 1),
    payloadBytes:
      workload === 'telemetry' ? (postPayloads(1, replies)[0] ?? '').length : options.payloadBytes,
    window,
    chunk,
    warmSec,
    seconds,
    replies,
  }
}

export function contestantsOf(
  workload: WorkloadName,
  shape: Shape,
  servers: readonly ServerUnderTest[],
): Contestant[] {
  switch (workload) {
    case 'ingest':
      return servers.map((server) => plain(server.name, server, shape, ingest))
    case 'pairs':
      return servers.map((server) => plain(server.name, server, shape, pairs))
    case 'telemetry':
      // against plain messages of as many bytes, so that only their meaning differs
      return servers
        .filter(({ name }) => name.startsWith('tidegate'))
        .flatMap((server) => [
          {
            label: `${server.name} telemetry`,
            server,
            door: 'device' as const,
            shape,
            traffic: telemetry,
          },
          plain(`${server.name} ingest`, server, shape, ingest),
        ])
  }
}

function plain(
  label: string,
  server: ServerUnderTest,
  shape: Shape,
  traffic: Contestant['traffic'],
): Contestant {
  return { label, server, door: 'plain', shape, traffic }
}
