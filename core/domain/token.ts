/**
 * Ownership token of a device number: who may write its row (design: presence table).
 * Equality fences; order means something only within one incarnation of the process.
 */
export interface Token {
  /** Raised and stored at each start of the process, from 1. */
  readonly incarnation: number
  /** Raised at each claim of the number within an incarnation, from 0. */
  readonly epoch: number
}

export const NO_TOKEN: Token = { incarnation: 0, epoch: 0 }

/** A stamp orders what was said of one number: first the token, then the version under it. */
export interface Stamp {
  readonly token: Token
  /** Counts the entries of the number, across tokens. */
  readonly version: number
}

/** Negative: `a` is older. A later incarnation beats any epoch of an earlier one. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return (
    a.token.incarnation - b.token.incarnation ||
    a.token.epoch - b.token.epoch ||
    a.version - b.version
  )
}
