/** Ends an exhaustive switch: the compiler proves that no value arrives here. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`)
}
