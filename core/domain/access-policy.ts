/** What an application client may do, as topic filters. Nothing is granted that is not named. */
import { covers, isTopicFilter, matches } from './topic.ts'

export interface AccessPolicy {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/** A bound for each list, so that a check stays a short loop. */
const MAX_POLICY_FILTERS = 64

export function mayPublish(policy: AccessPolicy, topic: string): boolean {
  return policy.publish.some((filter) => matches(filter, topic))
}

/** A subscription is granted where one granted filter covers all that it could match. */
export function maySubscribe(policy: AccessPolicy, filter: string): boolean {
  return policy.subscribe.some((granted) => covers(granted, filter))
}

/** Why a policy cannot be stored, or `undefined` where it can. */
export function policyFault(policy: AccessPolicy): string | undefined {
  for (const [verb, filters] of [
    ['publish', policy.publish],
    ['subscribe', policy.subscribe],
  ] as const) {
    if (filters.length > MAX_POLICY_FILTERS) return `${verb}: at most ${MAX_POLICY_FILTERS} filters`
    const bad = filters.find((filter) => !isTopicFilter(filter))
    if (bad !== undefined) return `${verb}: ${JSON.stringify(bad)} is not a topic filter`
  }
  return undefined
}
