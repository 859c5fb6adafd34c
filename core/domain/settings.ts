/** What an operator may set. Defaults, names and meanings: `settings-table.ts`. */
export type Durability = 'flush' | 'commit' | 'relaxed'
export type ListenerProtocol = 'auto' | 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'http'
/** `alibaba`: device topics and the original's quirks; `plain`: a general broker in a topic space of its own. */
export type ListenerProfile = 'alibaba' | 'plain'
/**
 * Who may connect: `device` devices and access keys; `password` access keys only; `anonymous` anyone
 * (plain profile only); `hook` who the embedding program says (plain profile only).
 */
export type ListenerAuth = 'device' | 'anonymous' | 'password' | 'hook'

/** One door. As a URL: `auto://127.0.0.1:1883?profile=alibaba&auth=device`. */
export interface ListenerSpec {
  /** As the operator wrote it. */
  readonly url: string
  readonly protocol: ListenerProtocol
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly profile: ListenerProfile
  readonly auth: ListenerAuth
  /** A default listener whose address the machine lacks (no IPv6) is left out with a warning. */
  readonly optional: boolean
}

/** What happens to a message of QoS 1 or 2 that finds its client's queue full. */
export type QueuePolicy = 'close' | 'drop-oldest' | 'drop-newest'

/** What happens to a message that finds the queue of a lasting session full. */
export type SessionQueuePolicy = 'refuse' | 'drop-oldest' | 'drop-newest'

/** Every bound of the data path, with its behaviour in `docs/limits.md`. */
export interface Limits {
  /** Device numbers that may ever be given; registration beyond it: device.limit. */
  readonly devices: number
  /** Open MQTT connections of the process; one more is closed at accept. */
  readonly connections: number
  /** Of one remote address on one shard; 0: any number. */
  readonly connectionsPerAddress: number
  /** CONNECTs a second that one shard lets in; 0: any number. */
  readonly connectsPerSec: number
  /** The same of one remote address, and of the devices of one product. */
  readonly connectsPerSecOfAddress: number
  readonly connectsPerSecOfProduct: number
  /** TLS handshakes and CONNECTs of one shard that wait for their turn. */
  readonly connectsWaiting: number
  /** Mean delay that a CONNACK of MQTT 5 suggests to whom we are too busy for; 0: none is said. */
  readonly retryAfterMs: number
  /** PUBLISH packets a second of one connection; 0: any number. */
  readonly publishesPerSec: number
  /** Longest keep alive; 0: any, and none. */
  readonly keepAliveSec: number
  /** Payload of a Will. */
  readonly willBytes: number
  /** Of one packet. */
  readonly userProperties: number
  /** Seconds until CONNECT must be complete. */
  readonly connectTimeoutSec: number
  /** Largest PUBLISH, bytes of the whole packet; CONNACK says it (MQTT 5). */
  readonly packetBytes: number
  /** Bytes that may wait for one socket; beyond it QoS 0 is dropped and reading pauses. */
  readonly backlogBytes: number
  /** Seconds a socket may stay above its backlog before it is closed. */
  readonly drainTimeoutSec: number
  /** Unacknowledged messages of QoS 1 and 2 to one client. */
  readonly inflight: number
  /** Messages of QoS 2 of one client that it has not released; CONNACK says it (MQTT 5). */
  readonly receiveMaximum: number
  /** Topic aliases of one connection, each way; CONNACK says it (MQTT 5). */
  readonly topicAliases: number
  /** QoS 1 messages (and bytes) that wait behind a full inflight window; one more closes the client. */
  readonly queueMessages: number
  readonly queueBytes: number
  readonly queuePolicy: QueuePolicy
  /** Sessions that outlive their connections; one more is refused. */
  readonly sessions: number
  /** Longest Session Expiry Interval, seconds; CONNACK says it (MQTT 5). */
  readonly sessionExpirySec: number
  /** Messages (and bytes) that wait for one lasting session, in the store. */
  readonly sessionMessages: number
  readonly sessionBytes: number
  readonly sessionQueuePolicy: SessionQueuePolicy
  /** Of one device. */
  readonly subscriptions: number
  /** Of one application client, or client of a plain listener. */
  readonly clientSubscriptions: number
  /** Of one device; an application client may ask for all of its subscriptions at once. */
  readonly filtersPerSubscribe: number
  readonly topicBytes: number
  readonly topicLevels: number
  /** The same of application clients and clients of plain listeners, filters too. */
  readonly clientTopicBytes: number
  readonly clientTopicLevels: number
  /** Of all topic spaces; one more is refused. */
  readonly retainedMessages: number
  readonly retainedBytes: number
  /** Commands of one device that await its reply. */
  readonly pendingCommands: number
  /** Requests that the management API holds open towards one shard. */
  readonly shardRequests: number
  /** Heap of one shard, MiB. */
  readonly shardHeapMb: number
}

export interface TlsSettings {
  /** PEM files; absent: the development certificate of the data directory. */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  /** Further names for the development certificate. */
  readonly names: readonly string[]
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

export interface LogSettings {
  /** A segment is closed at this size. */
  readonly segmentBytes: number
  /** Checkpointed segments are kept this long and up to this size, for consumers; then removed. */
  readonly retentionHours: number
  readonly retentionBytes: number
}

export interface Settings {
  readonly data: string
  readonly shards: number
  readonly durability: Durability
  readonly listeners: readonly ListenerSpec[]
  /** Allows an anonymous listener beyond loopback. */
  readonly allowAnonymousRemote: boolean
  /** Enforces that securemode 2 came over TLS and 3 did not (connect.md §2). */
  readonly strictSecureMode: boolean
  /** Plain TCP without Node's streams, where it can be had. */
  readonly rawSockets: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly tls: TlsSettings
  readonly limits: Limits
  readonly log: LogSettings
}
