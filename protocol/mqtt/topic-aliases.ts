/**
 * Topic aliases of one connection (§3.3.2.3.4), and of no other [MQTT-3.3.2-7], each way with a mapping of its own;
 * made when the first comes. Bounds: the Topic Alias Maximum of the side that receives, and ours where that is lower.
 */
import type { Publication } from '../../core/ports/publication.ts'
import { FAULT } from './faults.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import type { Fault } from './reason-code.ts'

/** Of what the client publishes. */
export class IncomingAliases {
  readonly #maximum: number
  readonly #topics: (Buffer | undefined)[] = []

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Gives a packet with an alias its topic, or learns it from the packet. */
  resolve(frame: IncomingPublish): Fault | undefined {
    const { alias, buffer, topicStart, topicEnd } = frame
    if (alias > this.#maximum) return FAULT.topicAlias // [MQTT-3.2.2-17] [MQTT-3.3.2-9]
    if (topicEnd > topicStart) {
      this.#topics[alias] = Buffer.from(buffer.subarray(topicStart, topicEnd)) // [MQTT-3.3.2-12]
      return undefined
    }
    const topic = this.#topics[alias]
    if (topic === undefined) return FAULT.unknownAlias
    frame.setTopic(topic)
    return undefined
  }
}

/**
 * Of what we send: the first topics that come get the aliases and keep them. Topics of a few bytes get none,
 * since an alias takes three.
 */
export class OutgoingAliases {
  readonly #maximum: number
  readonly #aliases = new Map<string, number>()

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** 0: none; below 0: an alias that the client does not know yet, to be sent with its topic. */
  of({ buffer, topicStart, topicEnd }: Publication): number {
    if (topicEnd - topicStart <= ALIAS_PROPERTY_BYTES) return 0
    const topic = textOf(buffer, topicStart, topicEnd)
    const known = this.#aliases.get(topic)
    if (known !== undefined) return known
    const alias = this.#aliases.size + 1
    return alias > this.#maximum ? 0 : -alias // [MQTT-3.1.2-26] [MQTT-3.3.2-11]
  }

  /** It was sent: from here on the client knows it. */
  learnt({ buffer, topicStart, topicEnd }: Publication, alias: number): void {
    this.#aliases.set(textOf(buffer, topicStart, topicEnd), alias)
  }
}

/** A key, not a text: a character a byte. */
function textOf({ buffer, byteOffset }: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1')
}

const ALIAS_PROPERTY_BYTES = 3
