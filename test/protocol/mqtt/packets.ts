/** Packets in short, towards the broker and from it. */
import type { IConnectPacket, Packet } from 'mqtt-packet'

export type ConnectOptions = Partial<Omit<IConnectPacket, 'cmd'>>

let clients = 0

export function connectPacket(options: ConnectOptions): IConnectPacket {
  const protocolVersion = options.protocolVersion ?? 4
  clients += 1
  return {
    cmd: 'connect',
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    clientId: `client-${clients}`,
    clean: true,
    keepalive: 0,
    ...options,
    protocolVersion,
  }
}

/** A PUBLISH in short. */
export function publish(
  topic: string,
  payload: string,
  qos: 0 | 1 | 2 = 0,
  messageId = 1,
): Packet & { cmd: 'publish' } {
  const id = qos === 0 ? {} : { messageId }
  return { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...id }
}

export function subscribe(
  messageId: number,
  ...filters: readonly (readonly [filter: string, qos: 0 | 1 | 2])[]
): Packet & { cmd: 'subscribe' } {
  const subscriptions = filters.map(([topic, qos]) => ({ topic, qos }))
  return { cmd: 'subscribe', messageId, subscriptions }
}

/** `publish t 1`, `puback 7`, `suback 9 0,1`, `connack 5`, `disconnect 142`. */
export function inWords(packet: Packet): string {
  const { cmd, messageId } = packet
  if (cmd === 'publish') return `publish ${packet.topic} ${packet.payload.toString()}`
  if (cmd === 'connack') return `connack ${packet.reasonCode ?? packet.returnCode}`
  if (cmd === 'disconnect') return `disconnect ${packet.reasonCode}`
  const words: (string | number)[] = messageId === undefined ? [cmd] : [cmd, messageId]
  if (isAcknowledgement(packet) && (packet.reasonCode ?? 0) !== 0)
    words.push(packet.reasonCode as number)
  if (cmd === 'suback') words.push((packet.granted as number[]).join())
  if (cmd === 'unsuback' && packet.granted !== undefined) words.push(packet.granted.join())
  return words.join(' ')
}

function isAcknowledgement(packet: Packet): packet is Packet & { readonly reasonCode?: number } {
  return ['puback', 'pubrec', 'pubrel', 'pubcomp'].includes(packet.cmd)
}
