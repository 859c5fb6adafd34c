/**
 * A message on its way from one connection to others, borrowed: the bytes are valid during the call
 * only. One object per shard is filled again and again, so nobody keeps it.
 */
export interface Publication {
  readonly buffer: Uint8Array
  readonly qos: 0 | 1
  /** UTF-8 topic name in `buffer`, without its length prefix. */
  readonly topicStart: number
  readonly topicEnd: number
  /** MQTT 5 properties to forward unaltered, without their length prefix; empty where there are none. */
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly payloadStart: number
  readonly payloadEnd: number
}
