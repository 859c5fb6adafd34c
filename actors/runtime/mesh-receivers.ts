/**
 * Who hears what in one shard: a receiver per channel and lane, the same for every peer. Registered
 * when the shard is wired, before it joins anybody; 255 channels for each lane.
 */
import { PlatformError } from '../../core/domain/errors.ts'
import { decodeBody } from './mesh-body.ts'

export type ControlReceiver = (from: number, body: unknown) => void
/** The bytes are `buffer[start .. end)`, borrowed for the call. */
export type DataReceiver = (from: number, buffer: Buffer, start: number, end: number) => void

const CHANNELS = 256 // one byte in the frame; 0 is left to the mesh

export class MeshReceivers {
  readonly #control: (ControlReceiver | undefined)[] = Array.from({ length: CHANNELS })
  readonly #data: (DataReceiver | undefined)[] = Array.from({ length: CHANNELS })

  onControl(channel: number, receive: ControlReceiver): void {
    register(this.#control, channel, receive)
  }

  onData(channel: number, receive: DataReceiver): void {
    register(this.#data, channel, receive)
  }

  /** @throws internal (nobody hears the channel), and whatever the receiver throws */
  control(from: number, channel: number, buffer: Buffer, start: number, end: number): void {
    const receive = this.#control[channel] ?? nobody('control', channel)
    receive(from, decodeBody(buffer, start, end))
  }

  /** @throws internal (nobody hears the channel), and whatever the receiver throws */
  data(from: number, channel: number, buffer: Buffer, start: number, end: number): void {
    const receive = this.#data[channel] ?? nobody('data', channel)
    receive(from, buffer, start, end)
  }
}

function register<Receiver>(
  receivers: (Receiver | undefined)[],
  channel: number,
  receive: Receiver,
): void {
  if (!Number.isInteger(channel) || channel < 1 || channel >= CHANNELS) {
    throw new PlatformError('internal', `mesh channel ${channel} is not in 1 to ${CHANNELS - 1}`)
  }
  if (receivers[channel] !== undefined) {
    throw new PlatformError('internal', `mesh channel ${channel} has a receiver already`)
  }
  receivers[channel] = receive
}

function nobody(lane: string, channel: number): never {
  throw new PlatformError('internal', `nobody hears ${lane} channel ${channel} of the mesh`)
}
