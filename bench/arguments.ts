/** Reads the values of command-line options. @throws with a sentence for the user where one is wrong */

export function words<T extends string>(
  what: string,
  raw: readonly string[],
  known: readonly T[],
): T[] {
  const named = raw.map((word) => {
    const found = known.find((one) => one === word)
    if (found !== undefined) return found
    throw new Error(`There is no ${what} ${JSON.stringify(word)}; there are ${known.join(', ')}.`)
  })
  return [...new Set(named)]
}

/** `undefined`: not given. */
export function whole(
  name: string,
  raw: string | undefined,
  min: number,
  max: number,
): number | undefined {
  const value = decimal(name, raw, min, max)
  if (value === undefined || Number.isInteger(value)) return value
  throw new Error(`--${name} must be a whole number`)
}

/** `undefined`: not given. */
export function decimal(
  name: string,
  raw: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (raw === undefined) return undefined
  const value = raw.trim() === '' ? Number.NaN : Number(raw)
  if (value >= min && value <= max) return value
  throw new Error(`--${name} must be ${min} to ${max}`)
}
