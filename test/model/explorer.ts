/**
 * Explores every interleaving of a model: from a state, each step that may happen next, until no new state is
 * found or a bound is reached. States are bytes; which were seen is remembered by a hash of 64 bits in two
 * tables of 32, so that ten million states take a few hundred megabytes (two states in one hash: one in a
 * million runs of that size).
 */
export interface Model {
  /** Bytes of a state. */
  readonly size: number
  readonly initial: Uint8Array
  /** Calls `visit` with each state that may follow, borrowed, and what was done. @throws Broken */
  next(state: Uint8Array, visit: (to: Uint8Array, step: string) => void): void
  /** For a trace. */
  show(state: Uint8Array): string
}

/** An invariant does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  readonly seconds: number
  /** All interleavings within the model's bounds were seen. */
  readonly whole: boolean
  readonly broken: string | undefined
  /** From the first state to the one that is broken. */
  readonly trace: readonly string[]
}

class SeenStates {
  readonly #mask: number
  readonly #high: Uint32Array
  readonly #low: Uint32Array
  count = 0

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(capacity * 1.6))
    this.#mask = slots - 1
    this.#high = new Uint32Array(slots)
    this.#low = new Uint32Array(slots)
  }

  /** False where it was there. */
  add(state: Uint8Array): boolean {
    let a = 0x811c9dc5
    let b = 0x9747b28c
    for (let i = 0; i < state.length; i++) {
      const byte = state[i] as number
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul(b ^ byte, 0x85ebca6b)
      b ^= b >>> 13
    }
    a = (a ^ (a >>> 15)) >>> 0
    b = (b ^ (a << 7)) >>> 0
    if (a === 0 && b === 0) b = 1
    for (let slot = (a ^ b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (this.#high[slot] === 0 && this.#low[slot] === 0) {
        this.#high[slot] = a
        this.#low[slot] = b
        this.count += 1
        return true
      }
      if (this.#high[slot] === a && this.#low[slot] === b) return false
    }
  }
}

/** Depth first: what waits is one path and its branches. */
export function explore(
  model: Model,
  maxStates: number,
  progress?: (states: number, transitions: number) => void,
): Exploration {
  const startedAt = performance.now()
  const seen = new SeenStates(maxStates)
  const stack: { readonly state: Uint8Array; readonly step: string; readonly depth: number }[] = []
  const path: string[] = []
  let transitions = 0
  let whole = true
  let broken: string | undefined
  seen.add(model.initial)
  stack.push({ state: model.initial, step: 'start', depth: 0 })
  while (stack.length > 0) {
    const { state, step, depth } = stack.pop() as (typeof stack)[number]
    path.length = depth
    path.push(step)
    if (seen.count >= maxStates) {
      whole = false
      break
    }
    try {
      model.next(state, (to, taken) => {
        transitions += 1
        if (seen.add(to)) stack.push({ state: to.slice(), step: taken, depth: depth + 1 })
      })
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      broken = `${error.message}\n${model.show(state)}`
      break
    }
    if (progress !== undefined && (transitions & 0xfffff) < 8) progress(seen.count, transitions)
  }
  const seconds = (performance.now() - startedAt) / 1000
  return { states: seen.count, transitions, seconds, whole, broken, trace: [...path] }
}
