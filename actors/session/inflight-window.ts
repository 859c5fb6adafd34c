/**
 * Packet ids of QoS 1 messages that were sent and not yet acknowledged: a window of consecutive ids
 * (MQTT 5.0 §2.2.1, §4.4). Acknowledgements may come in any order; the window moves on when its oldest
 * is acknowledged, so at most `size` ids are out [MQTT-3.3.4-9] [MQTT-4.9.0-2] and none is used twice at a time
 * [MQTT-4.3.2-1] [MQTT-4.3.3-1]. 64 bits of state.
 */
const MAX_WINDOW = 64

export class InflightWindow {
  readonly #size: number
  #first = 1
  #count = 0
  #low = 0 // acknowledged ids of the window as bits, from #first
  #high = 0

  /** @param size  1 to 64; the client's Receive Maximum where that is lower [MQTT-4.9.0-1] */
  constructor(size: number) {
    this.#size = Math.min(size, MAX_WINDOW)
  }

  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count >= this.#size
  }

  /** The next packet id; ask only while not full. */
  take(): number {
    const id = wrap(this.#first + this.#count)
    this.#count += 1
    return id
  }

  /** It is out until then [MQTT-4.3.2-3]. False where it is not: a client's mistake or a repeated acknowledgement. */
  release(packetId: number): boolean {
    let offset = packetId - this.#first
    if (offset < 0) offset += 0xffff
    if (offset >= this.#count) return false
    const bit = 1 << (offset & 31)
    if (offset < 32) {
      if ((this.#low & bit) !== 0) return false
      this.#low |= bit
    } else {
      if ((this.#high & bit) !== 0) return false
      this.#high |= bit
    }
    while (this.#count > 0 && (this.#low & 1) !== 0) this.#advance()
    return true
  }

  #advance(): void {
    this.#low = (this.#low >>> 1) | ((this.#high & 1) << 31)
    this.#high >>>= 1
    this.#first = wrap(this.#first + 1)
    this.#count -= 1
  }
}

/** 1 to 65,535: zero is no packet id [MQTT-2.2.1-4]. */
function wrap(id: number): number {
  return id > 0xffff ? id - 0xffff : id
}
