/**
 * Packet ids of messages that were sent and not yet acknowledged: a window of consecutive ids (MQTT 5.0 §2.2.1, §4.4).
 * Acknowledgements may come in any order; the window moves on when its oldest is acknowledged, so at most `size` ids
 * are out [MQTT-3.3.4-9] [MQTT-4.9.0-2] and none is used twice at a time [MQTT-4.3.2-1] [MQTT-4.3.3-1].
 * Bound: a bit for each id of the window, 8 KiB at most; none where acknowledgements come in the order of the messages.
 */
const MAX_WINDOW = 65_535 // all packet ids

export class InflightWindow {
  readonly #size: number
  #first = 1
  #count = 0
  /** Ids of the window that were acknowledged before its oldest: a ring of bits. Made with the first of them. */
  #early: Uint32Array | undefined = undefined
  #earlyCount = 0
  /** The bit of `#first`. */
  #head = 0

  /** @param size  1 to 65,535; the client's Receive Maximum where that is lower [MQTT-4.9.0-1] */
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
    if (packetId === 0) return false
    let offset = packetId - this.#first
    if (offset < 0) offset += 0xffff
    if (offset >= this.#count) return false
    if (offset > 0) return this.#mark(offset)
    do this.#advance()
    while (this.#earlyCount > 0 && this.#unmark())
    return true
  }

  /** False where it is marked already. */
  #mark(offset: number): boolean {
    this.#early ??= new Uint32Array((this.#size + 31) >>> 5)
    const place = this.#placeOf(offset)
    const word = this.#early[place >>> 5] as number
    const bit = 1 << (place & 31)
    if ((word & bit) !== 0) return false
    this.#early[place >>> 5] = word | bit
    this.#earlyCount += 1
    return true
  }

  /** Whether the oldest was marked; it no longer is. */
  #unmark(): boolean {
    const early = this.#early as Uint32Array
    const word = early[this.#head >>> 5] as number
    const bit = 1 << (this.#head & 31)
    if ((word & bit) === 0) return false
    early[this.#head >>> 5] = word & ~bit
    this.#earlyCount -= 1
    return true
  }

  #placeOf(offset: number): number {
    const place = this.#head + offset
    return place < this.#size ? place : place - this.#size
  }

  #advance(): void {
    this.#head = this.#placeOf(1)
    this.#first = wrap(this.#first + 1)
    this.#count -= 1
  }
}

/** 1 to 65,535: zero is no packet id [MQTT-2.2.1-4]. */
function wrap(id: number): number {
  return id > 0xffff ? id - 0xffff : id
}
