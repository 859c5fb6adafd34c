/** Subscriptions and terms in short, for tests of what matches and delivers. */
import type { Qos } from '../../core/domain/qos.ts'
import type { DeliveryTerms, SubscriptionOptions } from '../../core/ports/relay.ts'

export function options(qos: Qos, more: Partial<SubscriptionOptions> = {}): SubscriptionOptions {
  return { qos, noLocal: false, retainAsPublished: false, identifier: 0, ...more }
}

export function terms(qos: Qos, more: Partial<DeliveryTerms> = {}): DeliveryTerms {
  return { qos, retainAsPublished: false, identifiers: [], redelivery: undefined, ...more }
}
