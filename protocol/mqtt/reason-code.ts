/**
 * MQTT 5.0 reason codes that we send (§2.4), each in a packet that may have it [MQTT-3.2.2-8] [MQTT-3.14.2-1]
 * [MQTT-3.9.3-2] [MQTT-3.11.3-2]; and what MQTT 3.x says instead where it can.
 */
export const REASON = {
  success: 0x00,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  qosNotSupported: 0x9b,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  subscriptionIdentifiersNotSupported: 0xa1,
} as const

/** What an acknowledgement says beside its code. */
export const REASON_TEXT: ReadonlyMap<number, string> = new Map<number, string>([
  [REASON.notAuthorized, 'this client may not use this topic'],
  [REASON.topicNameInvalid, 'the topic is too long or has too many levels'],
  [REASON.topicFilterInvalid, 'the filter is too long or has too many levels'],
  [REASON.packetIdentifierNotFound, 'no exchange is open under this packet identifier'],
  [REASON.quotaExceeded, 'a bound of this server is reached'],
  [REASON.payloadFormatInvalid, 'the payload says it is text and is none'],
  [REASON.sharedSubscriptionsNotSupported, 'devices have no shared subscriptions here'],
])

export type ReasonCode = (typeof REASON)[keyof typeof REASON]

/** A packet or a behaviour that ends the connection: the fixed word counts it, the sentence explains it. */
export interface Fault {
  readonly code: ReasonCode
  /** Fixed word for counters and diagnostics. */
  readonly reason: string
  /** What was wrong and what to do, for the client (Reason String) and the operator. */
  readonly message: string
}
