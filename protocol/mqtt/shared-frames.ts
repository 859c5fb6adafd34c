/**
 * The packet that was written last, for others who get the same one: a message at QoS 0 to many subscribers is encoded
 * once. One per shard; a packet that names its client's alias, identifiers or packet id is nobody else's.
 */
import type { PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { SharedFrame } from './output.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { publishBytes } from './packet-writer.ts'

export function isShareable(
  { serial }: Publication,
  header: PublishHeader,
  alias: number,
): boolean {
  return serial > 0 && header.qos === 0 && alias === 0 && header.identifiers.length === 0
}

export class SharedFrames {
  #publication: Publication | undefined = undefined
  #serial = 0
  #five = false
  #retain = false
  #buffer: Buffer | undefined = undefined
  #start = 0
  /** Made for the second who wants it: most messages have one subscriber. */
  #frame: SharedFrame | undefined = undefined

  find(p: Publication, level: ProtocolLevel, header: PublishHeader): SharedFrame | undefined {
    if (p !== this.#publication || p.serial !== this.#serial) return undefined
    if (header.retain !== this.#retain || (level === 5) !== this.#five) return undefined
    if (this.#buffer === undefined) return undefined
    const end = this.#start + publishBytes(level, p, header, 0)
    this.#frame ??= { buffer: this.#buffer, start: this.#start, end }
    return this.#frame
  }

  /** It was just written into `buffer`, from `start` on. */
  keep(
    p: Publication,
    level: ProtocolLevel,
    header: PublishHeader,
    buffer: Buffer,
    start: number,
  ): void {
    this.#publication = p
    this.#serial = p.serial
    this.#five = level === 5
    this.#retain = header.retain
    this.#buffer = buffer
    this.#start = start
    this.#frame = undefined
  }
}
