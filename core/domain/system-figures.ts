/**
 * What `$SYS/#` tells of this server. The standard reserves the topics and leaves what they say to servers
 * [MQTT-4.7.2-1]; these are the names that dashboards know. Values are text.
 */

/** What one shard has had since its start. */
export interface ShardTraffic {
  readonly connections: number
  readonly subscriptions: number
  /** PUBLISH packets. */
  readonly received: number
  readonly sent: number
  readonly dropped: number
}

interface ServerFigures {
  readonly version: string
  readonly uptimeSec: number
  readonly shards: readonly ShardTraffic[]
  readonly retained: { readonly messages: number; readonly bytes: number }
  readonly rssBytes: number
}

export type SystemFigure = readonly [topic: string, value: string]

export function systemFigures(figures: ServerFigures): readonly SystemFigure[] {
  const { version, uptimeSec, shards, retained, rssBytes } = figures
  const sum = (name: keyof ShardTraffic): string =>
    String(shards.reduce((total, shard) => total + shard[name], 0))
  const rows: readonly SystemFigure[] = [
    ['version', `tidegate ${version}`],
    ['uptime', `${uptimeSec} seconds`],
    ['clients/connected', sum('connections')],
    ['subscriptions/count', sum('subscriptions')],
    ['publish/messages/received', sum('received')],
    ['publish/messages/sent', sum('sent')],
    ['publish/messages/dropped', sum('dropped')],
    ['retained messages/count', String(retained.messages)],
    ['retained messages/bytes', String(retained.bytes)],
    ['heap/current', String(rssBytes)],
  ]
  return rows.map(([name, value]) => [`$SYS/broker/${name}`, value])
}
