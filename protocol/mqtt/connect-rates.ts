/**
 * How many may connect in a second: to this shard, from one address, of one product. Bound: `MAX_BUCKETS` addresses and
 * products are counted apart; the one that came first is forgotten, and begins anew.
 */
import type { Limits } from '../../core/domain/settings.ts'
import { TokenBucket } from './token-bucket.ts'

const MAX_BUCKETS = 10_000 // some 100 bytes each

export class ConnectRates {
  readonly #all: TokenBucket
  readonly #ofAddress: Buckets
  readonly #ofProduct: Buckets

  /** @param now  ms of a clock that only rises, as in the methods */
  constructor(limits: Limits, now: number) {
    this.#all = new TokenBucket(limits.connectsPerSec, now)
    this.#ofAddress = new Buckets(limits.connectsPerSecOfAddress)
    this.#ofProduct = new Buckets(limits.connectsPerSecOfProduct)
  }

  /** Asked when a socket is accepted, before a handshake costs anything. */
  admitsFrom(address: () => string, now: number): boolean {
    return this.#ofAddress.unbounded || this.#ofAddress.take(address(), now)
  }

  /**
   * Asked by a CONNECT, before its signature is looked at.
   *
   * @param userName  of a device `{deviceName}&{productKey}`; others have no product
   */
  judge(userName: string | undefined, now: number): 'admitted' | 'shard' | 'product' {
    const productKey = userName?.split('&', 2)[1]
    if (productKey !== undefined && !this.#ofProduct.take(productKey, now)) return 'product'
    return this.#all.takeOrLeave(now) ? 'admitted' : 'shard'
  }
}

class Buckets {
  readonly #perSec: number
  readonly #byKey = new Map<string, TokenBucket>()

  constructor(perSec: number) {
    this.#perSec = perSec
  }

  get unbounded(): boolean {
    return this.#perSec === 0
  }

  take(key: string, now: number): boolean {
    if (this.unbounded) return true
    let bucket = this.#byKey.get(key)
    if (bucket === undefined) {
      const [first] = this.#byKey.size < MAX_BUCKETS ? [] : this.#byKey.keys()
      if (first !== undefined) this.#byKey.delete(first)
      bucket = new TokenBucket(this.#perSec, now)
      this.#byKey.set(key, bucket)
    }
    return bucket.takeOrLeave(now)
  }
}
