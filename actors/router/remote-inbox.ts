/**
 * Messages of application clients to a device that is connected to another shard, by the mesh's data lane.
 * Nothing is stored for a device that has left meanwhile, as for one that is away. Without credit QoS 0 is
 * refused; QoS 1 goes all the same: its sender has few under way, and awaits each.
 *
 * Wire: u8 QoS · u8 bytes of product key · u8 bytes of device name · u16 bytes of suffix · those three · payload.
 */
import type { CustomDownlink } from '../../core/domain/device-message.ts'
import type { DeviceName, ProductKey } from '../../core/domain/identifiers.ts'
import type { Delivery } from '../../core/ports/device-link.ts'
import type { Mesh } from '../runtime/mesh.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'

const HEADER_BYTES = 5

/** `full`: the other shard is behind. */
export function forwardDownlink(mesh: Mesh, shard: number, downlink: CustomDownlink): Delivery {
  const { device, suffix, payload, qos } = downlink
  const texts = [device.productKey, device.deviceName, suffix].map((text) => Buffer.from(text))
  const [key, name, end] = texts as [Buffer, Buffer, Buffer]
  const bytes = HEADER_BYTES + key.length + name.length + end.length + payload.length
  const room = mesh.reserve(shard, CHANNEL.inbox, bytes, qos === 1)
  if (room === undefined) return 'full'
  const { buffer } = room
  let { at } = room
  buffer[at] = qos
  buffer[at + 1] = key.length
  buffer[at + 2] = name.length
  buffer.writeUInt16LE(end.length, at + 3)
  at += HEADER_BYTES
  for (const part of [key, name, end, payload]) {
    buffer.set(part, at)
    at += part.length
  }
  return 'sent'
}

export function onForwarded(mesh: Mesh, receive: (downlink: CustomDownlink) => void): void {
  mesh.onData(CHANNEL.inbox, (_from, buffer, start, end) => {
    const keyEnd = start + HEADER_BYTES + (buffer[start + 1] as number)
    const nameEnd = keyEnd + (buffer[start + 2] as number)
    const suffixEnd = nameEnd + buffer.readUInt16LE(start + 3)
    const productKey = buffer.toString('utf8', start + HEADER_BYTES, keyEnd) as ProductKey
    const deviceName = buffer.toString('utf8', keyEnd, nameEnd) as DeviceName
    receive({
      device: { productKey, deviceName },
      suffix: buffer.toString('utf8', nameEnd, suffixEnd),
      payload: buffer.subarray(suffixEnd, end),
      qos: buffer[start] as 0 | 1,
    })
  })
}
