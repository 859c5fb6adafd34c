/**
 * The one table of settings: defaults, flags, environment names, help, `config explain` and validation all
 * come from it. The compiler proves that it has a row of the right type for every field of `Settings`.
 */
import { defaultListeners } from './listener-url.ts'
import type { Setting } from './setting.ts'
import type {
  Durability,
  ListenerSpec,
  QueuePolicy,
  SessionQueuePolicy,
  Settings,
  TlsSettings,
} from './settings.ts'

type Leaf = string | number | boolean | undefined | readonly unknown[]
type Leaves<T, Prefix extends string> = {
  [K in keyof T & string]: T[K] extends Leaf ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>
}[keyof T & string]

/** Path of a setting: `limits.packetBytes`. */
export type SettingKey = Leaves<Settings, ''>

type ValueAt<T, Path extends string> = Path extends `${infer Head}.${infer Rest}`
  ? Head extends keyof T
    ? ValueAt<T[Head], Rest>
    : never
  : Path extends keyof T
    ? T[Path]
    : never

export const SETTINGS: { readonly [Key in SettingKey]: Setting<ValueAt<Settings, Key>> } = {
  data: {
    type: { kind: 'text' },
    initial: './data',
    meaning: 'Directory of the store, message log, certificates and admin.key; made where absent.',
    flag: '--data <dir>',
  },
  shards: {
    type: { kind: 'integer', min: 1, max: 64 },
    initial: 1,
    meaning:
      'Shard threads that serve connections, all on the same ports. As many as there are CPUs to spare; ' +
      'may change from start to start.',
    flag: '--shards <n>',
  },
  durability: {
    type: { kind: 'word', words: ['flush', 'commit', 'relaxed'] },
    initial: 'commit' as Durability,
    meaning:
      'When an acknowledgement leaves: flush, synced to disk (survives loss of power); commit, written ' +
      'to the file (survives a crash of the process); relaxed, in memory (survives a clean shutdown).',
    flag: '--durability <level>',
  },
  listeners: {
    type: { kind: 'listeners' },
    initial: defaultListeners() as readonly ListenerSpec[],
    meaning:
      'Doors: auto (TCP and TLS), mqtt, mqtts, ws, wss or http (management) ://host:port, with ' +
      '?profile=alibaba|plain&auth=device|password|anonymous. Port 0 picks a free one. Any entry ' +
      'replaces the defaults.',
    flag: '--listen <url>',
  },
  allowAnonymousRemote: {
    type: { kind: 'switch' },
    initial: false,
    meaning: 'Allows an anonymous listener on an address that others reach; refused otherwise.',
    flag: '--allow-anonymous-remote',
  },
  strictSecureMode: {
    type: { kind: 'switch' },
    initial: false,
    meaning: 'Refuses devices that say securemode=2 without TLS or securemode=3 over TLS.',
    flag: '--strict-secure-mode',
  },
  rawSockets: {
    type: { kind: 'switch' },
    initial: true,
    meaning:
      "Plain TCP by Node's own socket handles, at half the cost of a connection, where a try at the start shows that they " +
      'behave; false: by its streams.',
    flag: undefined,
  },
  logLevel: {
    type: { kind: 'word', words: ['debug', 'info', 'warn', 'error', 'silent'] },
    initial: 'info',
    meaning: 'The least that diagnostics on stderr tell.',
    flag: '--log-level <level>',
  },
  'tls.certFile': {
    type: { kind: 'text' },
    initial: undefined,
    meaning:
      'Server certificate and its chain, PEM. Absent: the development certificate in data/tls.',
    flag: '--tls-cert <file>',
  },
  'tls.keyFile': {
    type: { kind: 'text' },
    initial: undefined,
    meaning: 'Private key of tls.certFile, PEM.',
    flag: '--tls-key <file>',
  },
  'tls.names': {
    type: { kind: 'names' },
    initial: [],
    meaning:
      'Further names and addresses for the development certificate, beside localhost, 127.0.0.1, ::1 and ' +
      'the host name. A new one has the certificate issued again, by the same CA.',
    flag: '--tls-name <name>',
  },
  'tls.minVersion': {
    type: { kind: 'word', words: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] },
    initial: 'TLSv1.2' as TlsSettings['minVersion'],
    meaning: 'The oldest TLS version that is spoken. TLSv1 and TLSv1.1 are for old devices only.',
    flag: undefined,
  },
  'limits.devices': integer(1_048_576, 1, 16_777_216, [
    'Devices that may ever be registered, deleted ones included. One more is refused: device.limit.',
    '8 bytes of memory each.',
  ]),
  'limits.connections': integer(100_000, 1, 10_000_000, [
    'Open MQTT connections of the process. One more is closed when it is accepted.',
  ]),
  'limits.connectionsPerAddress': integer(0, 0, 10_000_000, [
    'Open connections of one remote address on one shard; 0: any number. One more is closed at once,',
    'with TLS behind its handshake.',
  ]),
  'limits.connectsPerSec': integer(0, 0, 1_000_000, [
    'CONNECT packets a second that one shard lets in; 0: any number. Those above are refused before anybody',
    'looks at who they are: Server Unavailable (MQTT 5: 0x9F, Connection Rate Exceeded).',
  ]),
  'limits.connectsPerSecOfAddress': integer(0, 0, 1_000_000, [
    'Connections a second of one remote address that one shard accepts; 0: any number. Those above are closed at',
    'once, before a TLS handshake.',
  ]),
  'limits.connectsPerSecOfProduct': integer(0, 0, 1_000_000, [
    'CONNECT packets a second of the devices of one product that one shard lets in; 0: any number. Those above are',
    'refused as by `limits.connectsPerSec`.',
  ]),
  'limits.connectsWaiting': integer(20_000, 1, 1_000_000, [
    'TLS handshakes and CONNECT packets of one shard that wait while many come at once, at most for',
    '`limits.connectTimeoutSec`. One more, or one whose time is up, is refused: Server Unavailable (MQTT 5: 0x89,',
    'Server Busy), before its handshake by closing the socket.',
  ]),
  'limits.retryAfterMs': integer(0, 0, 86_400_000, [
    'Delay that MQTT 5 clients are told where CONNACK says 0x89 or 0x9F, user property `retry-after-ms`: half to one and',
    'a half of this, by chance. 0: nothing is said.',
  ]),
  'limits.publishesPerSec': integer(0, 0, 1_000_000, [
    'PUBLISH packets a second of one connection; 0: any number. Above, no more is read from it until it is',
    'within its rate again.',
  ]),
  'limits.keepAliveSec': integer(0, 0, 65_535, [
    'Longest keep alive; 0: any, and none. MQTT 5 clients that ask for a longer one or none are told this one',
    'instead (Server Keep Alive). MQTT 3.x cannot be told: they keep theirs.',
  ]),
  'limits.willBytes': integer(65_535, 0, 65_535, [
    'Bytes of the payload of a Will. A CONNECT with a larger one is refused (5; MQTT 5: 0x95).',
  ]),
  'limits.userProperties': integer(256, 0, 100_000, [
    'User properties of one MQTT 5 packet. A packet with more closes its connection (0x97).',
  ]),
  'limits.connectTimeoutSec': integer(10, 1, 600, [
    'Seconds until TLS handshake and CONNECT must be complete; then the connection is closed.',
  ]),
  'limits.packetBytes': integer(262_144, 1024, 8_000_000, [
    'Largest MQTT packet, bytes; the message log takes at most 8 MB. A larger one closes its connection',
    '(MQTT 5: 0x95).',
  ]),
  'limits.backlogBytes': integer(1_048_576, 65_536, 1_073_741_824, [
    'Bytes that may wait for one socket. Beyond it QoS 0 is dropped and counted, QoS 1 waits in the queue,',
    'and no more is read from it.',
  ]),
  'limits.drainTimeoutSec': integer(30, 1, 3600, [
    'Seconds a socket may stay above its backlog; then the connection is closed.',
  ]),
  'limits.inflight': integer(128, 1, 65_535, [
    'Messages of QoS 1 and 2 to one client that it has not acknowledged; the next one waits in the queue.',
    "The client's Receive Maximum counts where it is less. A session that outlives its connection keeps about",
    '100 bytes for each.',
  ]),
  'limits.receiveMaximum': integer(1024, 1, 65_535, [
    'Messages of QoS 2 of one MQTT 5 client that it has not released; CONNACK says it.',
    'One more closes its connection (0x93). MQTT 3.x clients know no such bound: 65,535.',
  ]),
  'limits.topicAliases': integer(16, 0, 65_535, [
    'Topic aliases of one MQTT 5 connection, each way; CONNACK says it. A higher one of the client',
    'closes its connection (0x94); towards it, further topics are sent in full.',
  ]),
  'limits.queueMessages': integer(1000, 1, 1_000_000, [
    'Messages of QoS 1 and 2 that wait for one client. One more is treated by `limits.queuePolicy`.',
  ]),
  'limits.queueBytes': integer(4_194_304, 65_536, 1_073_741_824, [
    'Bytes of the messages that wait for one client. One more is treated by `limits.queuePolicy`.',
  ]),
  'limits.queuePolicy': {
    type: { kind: 'word', words: ['close', 'drop-oldest', 'drop-newest'] },
    initial: 'close' as QueuePolicy,
    flag: undefined,
    meaning:
      'What happens to a message of QoS 1 or 2 at the bound of its queue: close ends the connection, since it may ' +
      'lose nothing; the others drop one and count it.',
  },
  'limits.sessions': integer(1_000_000, 0, 16_777_216, [
    'Sessions of application clients that outlive their connections. A CONNECT that asks for one more is refused',
    '(3; MQTT 5: 0x97).',
  ]),
  'limits.sessionExpirySec': integer(604_800, 0, 4_294_967_295, [
    'Longest Session Expiry Interval, seconds; 4294967295: a session may last for ever, 0: none outlives its',
    'connection. MQTT 5 clients that ask for a longer one are told this one in CONNACK; it is that of MQTT 3.x',
    'clients without a clean session.',
  ]),
  'limits.sessionMessages': integer(100_000, 1, 1_000_000_000, [
    'Messages of QoS 1 and 2 that wait in the store for one lasting session. One more is treated by',
    '`limits.sessionQueuePolicy`; what came within the last second may stand above it.',
  ]),
  'limits.sessionBytes': integer(268_435_456, 65_536, Number.MAX_SAFE_INTEGER, [
    'Bytes of the messages that wait in the store for one lasting session. At the bound as above.',
  ]),
  'limits.sessionQueuePolicy': {
    type: { kind: 'word', words: ['refuse', 'drop-oldest', 'drop-newest'] },
    initial: 'drop-oldest' as SessionQueuePolicy,
    flag: undefined,
    meaning:
      'What happens to a message of QoS 1 or 2 at the bound of the queue of a lasting session: refuse gives it to nobody ' +
      '(PUBACK 0x97, MQTT 3.x without a word); the others drop one of that queue and count it.',
  },
  'limits.subscriptions': integer(100, 1, 100_000, [
    'Subscriptions of one device. One more is refused in SUBACK (0x80; MQTT 5: 0x97).',
  ]),
  'limits.clientSubscriptions': integer(10_000, 1, 1_000_000, [
    'Subscriptions of one application client or client of a plain listener. One more is refused in',
    'SUBACK (0x80; MQTT 5: 0x97).',
  ]),
  'limits.filtersPerSubscribe': integer(8, 1, 10_000, [
    'Filters of one SUBSCRIBE of a device. Those behind are refused in SUBACK (0x80; MQTT 5: 0x97).',
  ]),
  'limits.topicBytes': integer(128, 16, 65_535, [
    'Longest topic of a device, bytes of UTF-8. A longer one is refused and counted.',
  ]),
  'limits.topicLevels': integer(7, 1, 128, [
    'Most levels (slashes) of a topic of a device. A deeper one is refused and counted.',
  ]),
  'limits.clientTopicBytes': integer(65_535, 16, 65_535, [
    'Longest topic or filter of an application client or client of a plain listener, bytes of UTF-8.',
    'A longer one is refused and counted (PUBACK 0x90, SUBACK 0x8F; MQTT 3.x 0x80).',
  ]),
  'limits.clientTopicLevels': integer(128, 1, 1000, [
    'Most levels of the same; a filter costs a tree node a level, and matching a stack frame.',
    'A deeper one is refused as above.',
  ]),
  'limits.retainedMessages': integer(1_000_000, 0, 1_000_000_000, [
    'Retained messages of the platform. One more topic is refused: PUBACK 0x97, MQTT 3.x without a word.',
  ]),
  'limits.retainedBytes': integer(1_073_741_824, 65_536, Number.MAX_SAFE_INTEGER, [
    'Bytes of the retained messages with their topics and properties. At the bound as above.',
  ]),
  'limits.pendingCommands': integer(16, 1, 10_000, [
    'Commands of one device that await its reply. One more is refused: command.too-many-pending.',
  ]),
  'limits.shardRequests': integer(1024, 1, 1_000_000, [
    'Requests that the management API holds open towards one shard. One more is refused at once.',
  ]),
  'limits.shardHeapMb': integer(2048, 32, 65_536, [
    'Heap of one shard, MiB; buffers of sockets and logs are beside it. Above 85 % it sheds connections; a',
    'shard that runs out of it all the same ends the process.',
  ]),
  'log.segmentBytes': integer(67_108_864, 65_536, 1_073_741_824, [
    'Size at which a segment file of the message log is closed and the next one begun.',
  ]),
  'log.retentionHours': integer(24, 0, 87_600, [
    'Hours that checkpointed segments are kept for consumers; older ones are removed.',
  ]),
  'log.retentionBytes': integer(4_294_967_296, 65_536, Number.MAX_SAFE_INTEGER, [
    'Bytes of segments kept for consumers; beyond it the oldest checkpointed ones are removed.',
  ]),
}

/** In the order of the table. */
export const SETTING_KEYS: readonly SettingKey[] = Object.keys(SETTINGS) as SettingKey[]

export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(SETTINGS, text)
}

/** Bounds of the data path: no flag of their own, `--set` and the file are for them. */
function integer(
  initial: number,
  min: number,
  max: number,
  meaning: readonly string[],
): Setting<number> {
  return {
    type: { kind: 'integer', min, max },
    initial,
    meaning: meaning.join(' '),
    flag: undefined,
  }
}
