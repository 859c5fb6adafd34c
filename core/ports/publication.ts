/**
 * A message on its way from one connection to others, borrowed: the bytes are valid during the call
 * only. One object per shard is filled again and again, so nobody keeps it.
 */
import type { Qos } from '../domain/qos.ts'

export interface Publication {
  /**
   * Tells it from every other message that this object has been or will be, so that what is encoded for one subscriber
   * may serve others; 0: nobody may rely on that.
   */
  readonly serial: number
  readonly buffer: Uint8Array
  readonly qos: Qos
  /** Its publisher asked for it to be retained; reaches those who subscribed with Retain As Published. */
  readonly retain: boolean
  /** UTF-8 topic name in `buffer`, without its length prefix. */
  readonly topicStart: number
  readonly topicEnd: number
  /** MQTT 5 properties to forward unaltered, without their length prefix; empty where there are none. */
  readonly propertiesStart: number
  readonly propertiesEnd: number
  /** Where among them the four bytes of the Message Expiry Interval stand; 0: it never expires. */
  readonly expiryAt: number
  readonly payloadStart: number
  readonly payloadEnd: number
}
