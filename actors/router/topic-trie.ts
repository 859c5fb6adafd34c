/**
 * Topic filters as a tree of levels: which subscriptions match a topic name (MQTT 5.0 §4.7). Owned by
 * one router. Matching visits at most the filters that share the topic's levels; nodes that hold nothing
 * are cut off, so the tree is as large as the live subscriptions.
 */
import type { SubscriptionOptions } from '../../core/ports/relay.ts'

export interface Subscription<S> extends SubscriptionOptions {
  readonly subscriber: S
}

class Node<S> {
  children: Map<string, Node<S>> | undefined = undefined
  /** By subscriber: a filter that is subscribed again replaces the one before [MQTT-3.8.4-3]. */
  here: Map<S, Subscription<S>> | undefined = undefined
  /** Of the filter that ends in `#` at this level. */
  below: Map<S, Subscription<S>> | undefined = undefined

  get empty(): boolean {
    return this.children === undefined && this.here === undefined && this.below === undefined
  }
}

export class TopicTrie<S> {
  readonly #root = new Node<S>()
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
      node.children ??= new Map()
      let child = node.children.get(level)
      if (child === undefined) {
        child = new Node()
        node.children.set(level, child)
      }
      node = child
    }
    let held: Map<S, Subscription<S>>
    if (deep) held = node.below ??= new Map()
    else held = node.here ??= new Map()
    const before = held.get(subscription.subscriber)
    if (before === undefined) this.#size += 1
    held.set(subscription.subscriber, subscription)
    return before
  }

  /** Returns what it has removed; `undefined`: the subscriber had no such filter. */
  remove(filter: string, subscriber: S): Subscription<S> | undefined {
    const levels = filter.split('/')
    const deep = levels.at(-1) === '#'
    if (deep) levels.pop()
    const path: Node<S>[] = [this.#root]
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level)
      if (child === undefined) return undefined
      path.push(child)
    }
    const node = path.at(-1) as Node<S>
    const held = deep ? node.below : node.here
    const removed = held?.get(subscriber)
    if (held === undefined || removed === undefined) return undefined
    held.delete(subscriber)
    this.#size -= 1
    if (held.size === 0) {
      if (deep) node.below = undefined
      else node.here = undefined
    }
    this.#cutEmpty(path, levels)
    return removed
  }

  /** Calls `visit` for every subscription that matches; a subscriber may come several times. */
  match(topic: string, visit: (subscription: Subscription<S>) => void): void {
    const levels = topic.split('/')
    const wild = topic.charCodeAt(0) !== 0x24 // `$…` is not matched by a wildcard in front [MQTT-4.7.2-1]
    this.#matchFrom(this.#root, levels, 0, wild, visit)
  }

  #matchFrom(
    node: Node<S>,
    levels: readonly string[],
    depth: number,
    wild: boolean,
    visit: (subscription: Subscription<S>) => void,
  ): void {
    if (node.below !== undefined && (wild || depth > 0)) node.below.forEach(visit)
    const level = levels[depth]
    if (level === undefined) {
      node.here?.forEach(visit)
      return
    }
    const { children } = node
    if (children === undefined) return
    const exact = children.get(level)
    if (exact !== undefined) this.#matchFrom(exact, levels, depth + 1, wild, visit)
    if (!wild && depth === 0) return
    const plus = children.get('+')
    if (plus !== undefined) this.#matchFrom(plus, levels, depth + 1, wild, visit)
  }

  #cutEmpty(path: readonly Node<S>[], levels: readonly string[]): void {
    for (let i = path.length - 1; i > 0; i--) {
      if (path[i]?.empty !== true) return
      const parent = path[i - 1] as Node<S>
      parent.children?.delete(levels[i - 1] as string)
      if (parent.children?.size === 0) parent.children = undefined
    }
  }
}
