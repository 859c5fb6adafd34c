/** What a connection is once its CONNECT is accepted: a device, or an application client. */
import type { AccessPolicy } from '../../core/domain/access-policy.ts'
import type { Qos } from '../../core/domain/qos.ts'
import type { ClientSession } from '../../core/ports/client-session.ts'
import type { SubscriptionOptions } from '../../core/ports/relay.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import type { Fault, ReasonCode } from './reason-code.ts'
import type { Will } from './will.ts'

/** One filter of a SUBSCRIBE. */
export interface SubscribeRequest {
  readonly filter: string
  readonly options: SubscriptionOptions
  /** When retained messages are sent (§3.8.3.1): 0 always, 1 to a new subscription, 2 never. */
  readonly retainHandling: number
}

/** Whether retained messages are due for it [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.8.4-4]. */
export function asksForRetained({ retainHandling }: SubscribeRequest, renewed: boolean): boolean {
  return retainHandling === 0 || (retainHandling === 1 && !renewed)
}

/** What CONNACK says to one kind of client (§3.2.2.3). */
export interface Grants {
  readonly maximumQos: 1 | 2
  readonly subscriptionIdentifiers: boolean
  readonly sharedSubscriptions: boolean
}

export interface Role {
  /** For diagnostics: `device pk/dn` or `client id`. Never a secret. */
  readonly label: string
  readonly session: ClientSession
  readonly grants: Grants
  /** False: what it asks to retain is delivered as an ordinary message, as the original does for MQTT 3.x devices. */
  readonly retains: boolean
  /** Filters of one SUBSCRIBE; those behind are refused. */
  readonly filtersPerSubscribe: number
  /** The reason code of the PUBACK; a fault ends the connection. */
  publish(frame: IncomingPublish): ReasonCode | Fault
  /** Answers of the last publish that must not overtake its PUBACK. */
  answer(): void
  subscribe(request: SubscribeRequest): ReasonCode | Qos
  /** Every shard knows what was subscribed: retained messages follow the SUBACK. */
  subscribed(): void
  unsubscribe(filter: string): ReasonCode
  /** It has authenticated itself anew; what it has subscribed stays. */
  renew(policy: AccessPolicy): void
  /**
   * Once, when the connection is over, with the Will that is due then, or later; `expirySec`: of the session, where
   * DISCONNECT has changed it.
   */
  closed(will?: Will, expirySec?: number): void
}
