/**
 * Numbers of client identifiers, on the shard that an identifier belongs to (`hash mod N`): each name has
 * one number for as long as some shard leases it. Bounds: `capacity` names; one more is refused.
 *
 * The successor of a shard that died begins empty: it answers nobody until every other shard has told
 * what it leases, so that a name in use keeps its number.
 */
const SESSION = -1 // among the shards that lease a name

export interface LentName {
  readonly number: number
  readonly shards: Set<number>
}

export class NumberLender {
  readonly #first: number
  readonly #stride: number
  readonly #capacity: number
  readonly #names = new Map<string, LentName>()
  #free: number[] = []
  #taken: Set<number> | undefined
  #made = 0

  /** Gives `first`, `first + stride`, … `capacity` of them: each shard has numbers of its own. */
  constructor(first: number, stride: number, capacity: number) {
    this.#first = first
    this.#stride = stride
    this.#capacity = capacity
  }

  get size(): number {
    return this.#names.size
  }

  lends(name: string): boolean {
    return this.#names.has(name)
  }

  /** The number of the name, leased to the shard; `undefined`: all numbers are lent. */
  lend(name: string, shard: number): number | undefined {
    const known = this.#names.get(name)
    if (known !== undefined) {
      known.shards.add(shard)
      return known.number
    }
    const number = this.#next()
    if (number !== undefined) this.#names.set(name, { number, shards: new Set([shard]) })
    return number
  }

  giveBack(name: string, shard: number): void {
    const known = this.#names.get(name)
    if (known === undefined || !known.shards.delete(shard) || known.shards.size > 0) return
    this.#names.delete(name)
    this.#free.push(known.number)
  }

  /** The name has a session that outlives its connections. */
  keep(name: string, number: number): void {
    this.restore(name, number, SESSION)
  }

  /** It has none any more. */
  drop(name: string): void {
    this.giveBack(name, SESSION)
  }

  /** Never given while this lender lives: a name of another directory has it. */
  reserve(number: number): void {
    this.#taken ??= new Set()
    this.#taken.add(number)
  }

  /** All leases of a shard that died. */
  forget(shard: number): void {
    for (const name of Array.from(this.#names.keys())) this.giveBack(name, shard)
  }

  /** A lease that the shard has from our predecessor. */
  restore(name: string, number: number, shard: number): void {
    const known = this.#names.get(name)
    if (known === undefined) {
      this.#names.set(name, { number, shards: new Set([shard]) })
      this.reserve(number)
    } else {
      known.shards.add(shard)
    }
  }

  /** Those that were lent before come last: who had one may still be known elsewhere. */
  #next(): number | undefined {
    while (this.#made < this.#capacity) {
      const number = this.#first + this.#made++ * this.#stride
      if (this.#taken?.has(number) !== true) return number
    }
    return this.#free.shift()
  }
}
