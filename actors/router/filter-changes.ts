/**
 * Which topics a change of subscriptions may concern, so that a connect makes few routes match again and not all. Owned
 * by one router. A change is counted by the levels of its filter in front of the first wildcard; the stamp of a topic is the
 * sum of the counters of all levels that its filters may begin with. Counters only rise, so a stamp that is as it was
 * says that no filter which matches the topic has changed; one that is not says nothing.
 *
 * Bound: `BUCKETS` counters, found by a hash: two that meet cost a match that was not needed. A wildcard in the first level
 * concerns every topic.
 */

const BUCKETS = 65_536 // 512 KiB; a thousand changes a second touch each four times a minute
const ANYTHING = 0 // the counter of filters that begin with a wildcard
const SLASH = 0x2f
const PLUS = 0x2b
const HASH = 0x23

export class FilterChanges {
  readonly #counters = new Float64Array(BUCKETS) // integers, exact up to 2^53

  /** A subscription of this filter came, went, or has other options. */
  add(filter: string): void {
    const bucket = bucketOf(filter)
    this.#counters[bucket] = (this.#counters[bucket] as number) + 1
  }

  /** Some tens of nanoseconds. */
  stamp(topic: string): number {
    const counters = this.#counters
    let sum = counters[ANYTHING] as number
    let hash = FNV_OFFSET
    for (let i = 0; i < topic.length; i++) {
      const char = topic.charCodeAt(i)
      if (char === SLASH) sum += counters[folded(hash)] as number
      hash = Math.imul(hash ^ char, FNV_PRIME)
    }
    return sum + (counters[folded(hash)] as number)
  }
}

/** Of the levels in front of the first wildcard: without the slash behind them, as a topic may end there (`a/#` matches `a`). */
function bucketOf(filter: string): number {
  let hash = FNV_OFFSET
  let levels = ANYTHING
  for (let i = 0; i < filter.length; i++) {
    const char = filter.charCodeAt(i)
    if (char === PLUS || char === HASH) return levels // fills its level: the filter is well formed
    if (char === SLASH) levels = folded(hash)
    hash = Math.imul(hash ^ char, FNV_PRIME)
  }
  return folded(hash)
}

// FNV-1a over UTF-16 units: cheap, and topics differ in their last characters.
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

function folded(hash: number): number {
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1)
}
