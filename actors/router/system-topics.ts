/**
 * The topics of `$SYS` in one topic space of a shard: a few values that are replaced every some seconds, told to who
 * subscribed and given to who subscribes. They are no messages of clients: nothing is stored.
 */
import type { SystemFigure } from '../../core/domain/system-figures.ts'
import { matches } from '../../core/domain/topic.ts'
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { Publication } from '../../core/ports/publication.ts'

export class SystemTopics {
  readonly #messages = new Map<string, Publication>()

  /** Those that have changed. */
  replace(figures: readonly SystemFigure[]): readonly (readonly [string, Publication])[] {
    const changed: (readonly [string, Publication])[] = []
    for (const [topic, value] of figures) {
      const message = publicationOf(topic, value)
      const before = this.#messages.get(topic)
      if (before !== undefined && Buffer.compare(before.buffer, message.buffer) === 0) continue
      this.#messages.set(topic, message)
      changed.push([topic, message])
    }
    return changed
  }

  matching(filter: string): MessageSource {
    let due: Publication[] | undefined = Array.from(this.#messages)
      .filter(([topic]) => matches(filter, topic))
      .map(([, message]) => message)
    const next = (): Publication[] | undefined => {
      const messages = due
      due = undefined
      return messages
    }
    return { next }
  }
}

function publicationOf(topic: string, value: string): Publication {
  const topicEnd = Buffer.byteLength(topic)
  const buffer = Buffer.from(topic + value)
  return {
    buffer,
    qos: 1,
    retain: true,
    serial: 0,
    topicStart: 0,
    topicEnd,
    propertiesStart: topicEnd,
    propertiesEnd: topicEnd,
    expiryAt: 0,
    payloadStart: topicEnd,
    payloadEnd: buffer.length,
  }
}
