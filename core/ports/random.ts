/** Chance is an argument: the system's source on the roof, a seeded one in tests and simulation. */
export interface Random {
  /** Fills with unpredictable bytes: keys, secrets, identifiers. */
  bytes(count: number): Uint8Array
}
