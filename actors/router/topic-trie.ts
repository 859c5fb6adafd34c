/**
 * Topic filters as a tree of levels: which subscriptions match a topic name (MQTT 5.0 §4.7). Owned by
 * one router. Matching visits at most the filters that share the topic's levels; nodes that hold nothing
 * are cut off, so the tree is as large as the live subscriptions.
 *
 * Most nodes have one child and most filters one subscriber: these stand in the node itself, and a map is made for the
 * second. A map of one takes some 200 bytes, and a filter of four levels would have four.
 */
import type { SubscriptionOptions } from '../../core/ports/relay.ts'

export interface Subscription<S> extends SubscriptionOptions {
  readonly subscriber: S
}

/** By subscriber: a filter that is subscribed again replaces the one before [MQTT-3.8.4-3]. Never empty. */
type Held<S> = Subscription<S> | Map<S, Subscription<S>>

class Node<S> {
  /** The last level of its filters, but for `#`. */
  readonly level: string
  /** By level; never empty. */
  children: Node<S> | Map<string, Node<S>> | undefined = undefined
  here: Held<S> | undefined = undefined
  /** Of the filter that ends in `#` at this level. */
  below: Held<S> | undefined = undefined

  constructor(level: string) {
    this.level = level
  }

  get empty(): boolean {
    return this.children === undefined && this.here === undefined && this.below === undefined
  }

  child(level: string): Node<S> | undefined {
    const { children } = this
    if (children instanceof Map) return children.get(level)
    return children?.level === level ? children : undefined
  }

  addChild(child: Node<S>): void {
    const { children } = this
    if (children === undefined) this.children = child
    else if (children instanceof Map) children.set(child.level, child)
    else {
      this.children = new Map([
        [children.level, children],
        [child.level, child],
      ])
    }
  }

  removeChild(level: string): void {
    const { children } = this
    if (children instanceof Map) children.delete(level)
    if (!(children instanceof Map) || children.size === 0) this.children = undefined
  }
}

export class TopicTrie<S> {
  readonly #root = new Node<S>('')
  #size = 0

  /** How many subscriptions there are. */
  get size(): number {
    return this.#size
  }

  /** Returns the subscription that it replaces. */
  add(filter: string, subscription: Subscription<S>): Subscription<S> | undefined {
    const levels = filter.split('/')
    const deep = levels.at(-1) === '#'
    if (deep) levels.pop()
    let node = this.#root
    for (const level of levels) {
      let child = node.child(level)
      if (child === undefined) {
        child = new Node(level)
        node.addChild(child)
      }
      node = child
    }
    const held = deep ? node.below : node.here
    const before = heldBy(held, subscription.subscriber)
    if (before === undefined) this.#size += 1
    const now = withOne(held, subscription)
    if (deep) node.below = now
    else node.here = now
    return before
  }

  /** Returns what it has removed; `undefined`: the subscriber had no such filter. */
  remove(filter: string, subscriber: S): Subscription<S> | undefined {
    const levels = filter.split('/')
    const deep = levels.at(-1) === '#'
    if (deep) levels.pop()
    const path: Node<S>[] = [this.#root]
    for (const level of levels) {
      const child = path.at(-1)?.child(level)
      if (child === undefined) return undefined
      path.push(child)
    }
    const node = path.at(-1) as Node<S>
    const held = deep ? node.below : node.here
    const removed = heldBy(held, subscriber)
    if (held === undefined || removed === undefined) return undefined
    this.#size -= 1
    const left = withoutOne(held, subscriber)
    if (deep) node.below = left
    else node.here = left
    cutEmpty(path)
    return removed
  }

  /** Calls `visit` for every subscription that matches; a subscriber may come several times. */
  match(topic: string, visit: (subscription: Subscription<S>) => void): void {
    const levels = topic.split('/')
    const wild = topic.charCodeAt(0) !== 0x24 // `$…` is not matched by a wildcard in front [MQTT-4.7.2-1]
    matchFrom(this.#root, levels, 0, wild, visit)
  }
}

function matchFrom<S>(
  node: Node<S>,
  levels: readonly string[],
  depth: number,
  wild: boolean,
  visit: (subscription: Subscription<S>) => void,
): void {
  if (node.below !== undefined && (wild || depth > 0)) visitHeld(node.below, visit)
  const level = levels[depth]
  if (level === undefined) {
    if (node.here !== undefined) visitHeld(node.here, visit)
    return
  }
  if (node.children === undefined) return
  const exact = node.child(level)
  if (exact !== undefined) matchFrom(exact, levels, depth + 1, wild, visit)
  if (!wild && depth === 0) return
  const plus = node.child('+')
  if (plus !== undefined) matchFrom(plus, levels, depth + 1, wild, visit)
}

/** From the end of the path up, as far as nothing is left. */
function cutEmpty<S>(path: readonly Node<S>[]): void {
  for (let i = path.length - 1; i > 0; i--) {
    const node = path[i] as Node<S>
    if (!node.empty) return
    path[i - 1]?.removeChild(node.level)
  }
}

function visitHeld<S>(held: Held<S>, visit: (subscription: Subscription<S>) => void): void {
  if (held instanceof Map) held.forEach(visit)
  else visit(held)
}

function heldBy<S>(held: Held<S> | undefined, subscriber: S): Subscription<S> | undefined {
  if (held instanceof Map) return held.get(subscriber)
  return held?.subscriber === subscriber ? held : undefined
}

/** Changes a map in place. */
function withOne<S>(held: Held<S> | undefined, one: Subscription<S>): Held<S> {
  if (held instanceof Map) return held.set(one.subscriber, one)
  if (held === undefined || held.subscriber === one.subscriber) return one
  return new Map([
    [held.subscriber, held],
    [one.subscriber, one],
  ])
}

/** Changes a map in place; `undefined`: nobody is left. */
function withoutOne<S>(held: Held<S>, subscriber: S): Held<S> | undefined {
  if (!(held instanceof Map)) return undefined
  held.delete(subscriber)
  return held.size === 0 ? undefined : held
}
