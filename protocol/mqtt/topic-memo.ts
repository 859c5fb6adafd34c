/**
 * Remembers the topic of a connection's last PUBLISH by its bytes: most clients publish to one topic again
 * and again, and then no topic string is made at all.
 */
import { isUtf8 } from 'node:buffer'
import { isTopicName } from '../../core/domain/topic.ts'
import type { IncomingPublish } from './incoming-publish.ts'

export class TopicMemo {
  #bytes: Buffer | undefined = undefined

  matches(frame: IncomingPublish): boolean {
    const bytes = this.#bytes
    const length = frame.topicEnd - frame.topicStart
    if (bytes === undefined || bytes.length !== length) return false
    const { buffer, topicStart } = frame
    for (let i = length - 1; i >= 0; i--) {
      if (bytes[i] !== buffer[topicStart + i]) return false // the end differs first
    }
    return true
  }

  /** Makes the topic's string and remembers its bytes; `undefined` for what is no topic name. */
  read(frame: IncomingPublish): string | undefined {
    this.#bytes = undefined
    const bytes = frame.buffer.subarray(frame.topicStart, frame.topicEnd)
    if (!isUtf8(bytes)) return undefined // [MQTT-1.5.4-1] [MQTT-3.3.2-1]
    const topic = bytes.toString('utf8') // keeps U+FEFF [MQTT-1.5.4-3]
    if (!isTopicName(topic)) return undefined // [MQTT-3.3.2-2]
    this.#bytes = Buffer.from(bytes)
    return topic
  }

  forget(): void {
    this.#bytes = undefined
  }
}
