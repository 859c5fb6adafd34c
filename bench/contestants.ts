/** Who runs in a workload, and in which shape. */
import type { Contestant } from './contest.ts'
import { ACROSS, crossingLabel, WITHIN } from './crossing-cost.ts'
import type { BenchOptions, WorkloadName } from './options.ts'
import { isScenario, SCENARIOS, scenarioOf } from './scenarios.ts'
import { aedes } from './servers/aedes.ts'
import { flashmq } from './servers/flashmq.ts'
import { mosquitto } from './servers/mosquitto.ts'
import { nats } from './servers/nats.ts'
import type { ServerUnderTest } from './servers/server.ts'
import { shardedTidegates, tidegate } from './servers/tidegate.ts'
import { type Shape, shapeFrom } from './shape.ts'
import { postPayloads } from './telemetry-devices.ts'
import {
  connects,
  deviceConnects,
  ingest,
  pairs,
  placedPairs,
  TRAFFIC,
  telemetry,
} from './traffic.ts'
import { unitOf } from './unit.ts'

/** The first that runs is what the others are compared with. */
export const SERVERS: readonly ServerUnderTest[] = [
  tidegate,
  ...shardedTidegates,
  mosquitto,
  aedes,
  nats,
  flashmq,
]

/** The command line's shape, with what the workload says where the command line is silent. */
export function shapeOf(workload: WorkloadName, { said }: BenchOptions): Shape {
  const scenario = scenarioOf(workload)
  if (scenario !== undefined) return shapeFrom(scenario.shape, said)
  const shape = shapeFrom({ qos: workload === 'pairs' || workload === 'crossing' ? 0 : 1 }, said)
  if (workload !== 'telemetry') return shape
  return { ...shape, payloadBytes: (postPayloads(1, shape.replies)[0] ?? '').length }
}

export function contestantsOf(
  workload: WorkloadName,
  shape: Shape,
  servers: readonly ServerUnderTest[],
): Contestant[] {
  const unit = unitOf(workload)
  const plain = (server: ServerUnderTest, traffic: Traffics, label: string = server.name) => {
    return { label, unit, server, door: 'plain', shape, traffic } satisfies Contestant
  }
  const devices = (server: ServerUnderTest, traffic: Traffics, what: string) => {
    const label = `${server.name} ${what}`
    return { label, unit, server, door: 'device', shape, traffic } satisfies Contestant
  }
  if (isScenario(workload)) {
    const { traffic } = SCENARIOS[workload]
    const door = traffic === 'connect-tls' || traffic === 'idle-tls' ? 'tls' : 'plain'
    return servers.map((server) => ({ ...plain(server, TRAFFIC[traffic]), door }))
  }
  switch (workload) {
    case 'ingest':
      return servers.map((server) => plain(server, ingest))
    case 'pairs':
      return servers.map((server) => plain(server, pairs))
    case 'telemetry':
      // against plain messages of as many bytes, so that only their meaning differs
      return servers
        .filter(isTidegate)
        .flatMap((server) => [
          devices(server, telemetry, 'telemetry'),
          plain(server, ingest, `${server.name} ingest`),
        ])
    case 'crossing':
      return servers
        .filter(hasShards)
        .flatMap((server) => [
          plain(server, placedPairs('within'), crossingLabel(server.name, WITHIN)),
          plain(server, placedPairs('across'), crossingLabel(server.name, ACROSS)),
        ])
    case 'connect':
      return servers.flatMap((server) => [
        plain(server, connects),
        ...(isTidegate(server) ? [devices(server, deviceConnects, 'devices')] : []),
      ])
  }
}

type Traffics = Contestant['traffic']

function hasShards(server: ServerUnderTest): boolean {
  return isTidegate(server) && server !== tidegate
}

function isTidegate({ name }: ServerUnderTest): boolean {
  return name.startsWith('tidegate')
}
