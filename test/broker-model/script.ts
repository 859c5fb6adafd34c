/** What random clients do: few names, topics and filters, so that they meet often. */
import fc from 'fast-check'

const CLIENTS = 4
const TOPICS = ['a', 'a/b', 'b', 'c/b'] as const
const OWN = ['a', 'a/b', 'a/+', '#', '+/b', '+'] as const
const SHARED = ['$share/g/a', '$share/g/#'] as const

export const EXPIRY_SEC = 50
const DELAYS = [0, 30] as const // what is waited for is never just one of these, nor a sum of these

export interface Will {
  readonly topic: string
  /** Seconds; only of MQTT 5, and a session that lasts. */
  readonly delay: number
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

export type Step =
  | {
      readonly kind: 'connect'
      readonly client: number
      readonly shard: number
      readonly level: 3 | 4 | 5
      readonly will: Will | undefined
      /** Its session outlives the connection, by `EXPIRY_SEC`. */
      readonly lasting: boolean
      /** Of MQTT 5: nothing of an earlier session is wanted. Others want that where they want none that lasts. */
      readonly clean: boolean
    }
  /** Time goes by. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly client: number }
  /** The socket breaks. */
  | { readonly kind: 'drop'; readonly client: number }
  | { readonly kind: 'disconnect'; readonly client: number }
  | {
      readonly kind: 'subscribe'
      readonly client: number
      readonly filter: string
      readonly qos: 0 | 1 | 2
      readonly noLocal: boolean
      readonly retainAsPublished: boolean
      readonly retainHandling: 0 | 1 | 2
    }
  | { readonly kind: 'unsubscribe'; readonly client: number; readonly filter: string }
  | {
      readonly kind: 'publish'
      readonly client: number
      readonly topic: string
      readonly qos: 0 | 1 | 2
      readonly retain: boolean
      readonly empty: boolean
      /** At QoS 2: the packet comes twice before its PUBREL. */
      readonly twice: boolean
      /** More is published before any shard has its next turn. */
      readonly atOnce: boolean
    }
  /** From here on it acknowledges nothing. */
  | { readonly kind: 'hold'; readonly client: number }
  | { readonly kind: 'acknowledge'; readonly client: number }

const client = fc.nat(CLIENTS - 1)
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const topic = fc.constantFrom(...TOPICS)
const filter = fc.oneof(fc.constantFrom(...OWN), fc.constantFrom(...SHARED))
const will = fc.record({
  topic,
  qos,
  retain: fc.boolean(),
  delay: fc.constantFrom(...DELAYS),
})

function step(shards: number): fc.Arbitrary<Step> {
  const rarely = fc.integer({ min: 0, max: 5 }).map((n) => n === 0)
  const often = fc.integer({ min: 0, max: 2 }).map((n) => n === 0)
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('connect' as const),
        client,
        shard: fc.nat(shards - 1),
        level: fc.constantFrom(3 as const, 4 as const, 5 as const),
        will: fc.option(will, { nil: undefined }),
        lasting: fc.boolean(),
        clean: often,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        seconds: fc.constantFrom(20, 20, 100),
        client,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('drop' as const, 'disconnect' as const),
        client,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('subscribe' as const),
        client,
        filter,
        qos,
        noLocal: rarely,
        retainAsPublished: fc.boolean(),
        retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), client, filter }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('publish' as const),
        client,
        topic,
        qos,
        retain: often,
        empty: rarely,
        twice: rarely,
        atOnce: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('hold' as const, 'acknowledge' as const),
        client,
      }),
    },
  )
}

export function scripts(shards: number): fc.Arbitrary<Step[]> {
  return fc.array(step(shards), { minLength: 5, maxLength: 100, size: 'max' })
}
