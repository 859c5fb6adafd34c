/** Every way in which a connection ends by our decision, in one table: what it is called and what it says. */
import type { LinkCloseReason } from '../../core/ports/device-link.ts'
import { type Fault, REASON, type ReasonCode } from './reason-code.ts'

function fault(code: ReasonCode, reason: string, message: string): Fault {
  return { code, reason, message }
}

type FaultName =
  | 'notConnect'
  | 'secondConnect'
  | 'connectTimeout'
  | 'keepAlive'
  | 'slowReader'
  | 'queueFull'
  | 'tooEager'
  | 'clientPacketSize'
  | 'longLength'
  | 'malformedAcknowledgement'
  | 'acknowledgementCode'
  | 'zeroPacketId'
  | 'malformedPingreq'
  | 'qos'
  | 'receiveMaximum'
  | 'topicAlias'
  | 'unknownAlias'
  | 'unexpectedPacket'
  | 'subscriptionIdentifier'
  | 'invalidFilter'
  | 'sharedNoLocal'
  | 'invalidTopic'
  | 'notMqtt'
  | 'protocolVersion'
  | 'willQos'
  | 'willTopic'
  | 'willResponseTopic'
  | 'willFormat'
  | 'willBytes'
  | 'connectRate'
  | 'productRate'
  | 'connectQueue'
  | 'clientId'
  | 'authData'
  | 'malformedAuth'
  | 'authMethodChanged'
  | 'unexpectedAuth'
  | 'renewalRefused'
  | 'busy'
  | 'expiryRaised'
  | 'tooManySessions'

export const FAULT: Readonly<Record<FaultName, Fault>> = {
  notConnect: fault(REASON.protocolError, 'not-connect', 'the first packet must be CONNECT'),
  secondConnect: fault(
    REASON.protocolError,
    'second-connect',
    'a second CONNECT on one connection',
  ),
  connectTimeout: fault(REASON.notAuthorized, 'connect-timeout', 'no CONNECT came in time'),
  keepAlive: fault(
    REASON.keepAliveTimeout,
    'keep-alive',
    'nothing was heard for 1.5 times the keep alive',
  ),
  slowReader: fault(
    REASON.quotaExceeded,
    'slow-reader',
    'the client did not read what it was sent',
  ),
  queueFull: fault(
    REASON.quotaExceeded,
    'queue-full',
    'too many messages wait for acknowledgement',
  ),
  tooEager: fault(REASON.quotaExceeded, 'too-eager', 'too much was sent before CONNACK'),
  clientPacketSize: fault(
    REASON.packetTooLarge,
    'client-packet-size',
    "an answer is larger than the client's Maximum Packet Size",
  ),
  longLength: fault(
    REASON.malformedPacket,
    'malformed-length',
    'the remaining length takes more bytes than it needs',
  ),
  malformedAcknowledgement: fault(
    REASON.malformedPacket,
    'malformed-acknowledgement',
    'PUBACK, PUBREC, PUBREL or PUBCOMP is malformed',
  ),
  acknowledgementCode: fault(
    REASON.malformedPacket,
    'acknowledgement-code',
    'a reason code that this acknowledgement may not have',
  ),
  zeroPacketId: fault(REASON.protocolError, 'packet-id-0', 'a packet identifier of 0'),
  malformedPingreq: fault(REASON.malformedPacket, 'malformed-pingreq', 'PINGREQ is malformed'),
  qos: fault(
    REASON.qosNotSupported,
    'qos',
    'a device publishes at QoS 0 or 1 here, as the original has it',
  ),
  receiveMaximum: fault(
    REASON.receiveMaximumExceeded,
    'receive-maximum',
    'more messages of QoS 2 are open than the Receive Maximum grants',
  ),
  topicAlias: fault(
    REASON.topicAliasInvalid,
    'topic-alias',
    'a topic alias above the Topic Alias Maximum',
  ),
  unknownAlias: fault(REASON.protocolError, 'unknown-alias', 'a topic alias that has no topic yet'),
  subscriptionIdentifier: fault(
    REASON.subscriptionIdentifiersNotSupported,
    'subscription-identifier',
    'subscription identifiers are not available to devices here',
  ),
  unexpectedPacket: fault(
    REASON.protocolError,
    'unexpected-packet',
    'a packet that no client may send',
  ),
  invalidFilter: fault(REASON.topicFilterInvalid, 'invalid-filter', 'a topic filter is malformed'),
  sharedNoLocal: fault(
    REASON.protocolError,
    'shared-no-local',
    'No Local on a shared subscription',
  ),
  invalidTopic: fault(
    REASON.topicNameInvalid,
    'invalid-topic',
    'the topic name is empty, not UTF-8, or contains a wildcard',
  ),
  notMqtt: fault(REASON.malformedPacket, 'not-mqtt', 'the first packet is no CONNECT of MQTT'),
  protocolVersion: fault(
    REASON.unsupportedProtocolVersion,
    'protocol-version',
    'MQTT 3.1, 3.1.1 and 5.0 are spoken here',
  ),
  willQos: fault(REASON.qosNotSupported, 'will-qos', 'a Will at QoS 2, which devices have not'),
  willTopic: fault(REASON.topicNameInvalid, 'will-topic', 'the topic of the Will is no topic name'),
  willResponseTopic: fault(
    REASON.protocolError,
    'will-response-topic',
    'the Response Topic of the Will is no topic name',
  ),
  willFormat: fault(
    REASON.payloadFormatInvalid,
    'will-format',
    'the payload of the Will says it is text and is none',
  ),
  willBytes: fault(REASON.packetTooLarge, 'will-bytes', 'the payload of the Will is too large'),
  connectRate: fault(
    REASON.connectionRateExceeded,
    'connect-rate',
    'too many clients connect at once; come back in some seconds',
  ),
  productRate: fault(
    REASON.connectionRateExceeded,
    'product-rate',
    'too many devices of this product connect at once; come back in some seconds',
  ),
  connectQueue: fault(
    REASON.serverBusy,
    'connect-queue',
    'too many clients wait to be let in; come back in some seconds',
  ),
  clientId: fault(
    REASON.clientIdentifierNotValid,
    'empty-client-id',
    'an empty client identifier needs clean session 1',
  ),
  malformedAuth: fault(REASON.malformedPacket, 'malformed-auth', 'AUTH is malformed'),
  authData: fault(
    REASON.protocolError,
    'auth-data',
    'authentication data without an authentication method',
  ),
  authMethodChanged: fault(
    REASON.protocolError,
    'auth-method-changed',
    'AUTH with another authentication method than CONNECT',
  ),
  renewalRefused: fault(
    REASON.notAuthorized,
    'renewal-refused',
    'the client could not authenticate itself anew',
  ),
  unexpectedAuth: fault(REASON.protocolError, 'unexpected-auth', 'an AUTH that no exchange awaits'),
  expiryRaised: fault(
    REASON.protocolError,
    'expiry-raised',
    'a DISCONNECT that gives a session an expiry which it did not have',
  ),
  busy: fault(
    REASON.serverBusy,
    'server-busy',
    'the owner of this device is busy; try again shortly',
  ),
  tooManySessions: fault(
    REASON.quotaExceeded,
    'too-many-sessions',
    'no more sessions may outlive their connections here; ask for a clean start without expiry',
  ),
}

export const CLOSE_FAULT: Readonly<Record<LinkCloseReason, Fault>> = {
  'taken-over': fault(
    REASON.sessionTakenOver,
    'taken-over',
    'another connection came with the same identity',
  ),
  disabled: fault(REASON.administrativeAction, 'disabled', 'the device was disabled'),
  deleted: fault(REASON.administrativeAction, 'deleted', 'the device was deleted'),
  shutdown: fault(REASON.serverShuttingDown, 'shutdown', 'the server shuts down; come back soon'),
  overload: fault(REASON.serverBusy, 'overload', 'the server is out of memory; come back later'),
  failed: fault(
    REASON.implementationError,
    'actor-failed',
    'the server failed on this device; try again',
  ),
}
