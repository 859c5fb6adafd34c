/** Few numbers about few rounds. Pure. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** `undefined` where nothing was measured. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const min = sorted[0]
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) return undefined
  const low = sorted[(sorted.length - 1) >> 1] ?? min
  const high = sorted[sorted.length >> 1] ?? max
  return { median: (low + high) / 2, min, max }
}
