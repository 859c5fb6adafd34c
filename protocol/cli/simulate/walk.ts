/** A value that wanders as a room's temperature does: small steps, pulled back to the middle. */
import { isJsonObject, type JsonObject } from '../../../core/domain/json.ts'

/** Where values lie and whether they are whole numbers, as the thing model says. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly whole: boolean
}

/** What a room has, where the model sets no bounds. */
export const ROOM: Range = { min: 15, max: 30, whole: false }

const NUMBERS: ReadonlySet<unknown> = new Set(['int', 'float', 'double'])

export class Walk {
  readonly #range: Range
  readonly #step: number
  #value: number

  /** @param chance  0 (incl.) to 1 (excl.): where in the middle half of the range to begin */
  constructor(range: Range, chance: number) {
    const width = range.max - range.min
    this.#range = range
    this.#step = Math.max(width / 50, range.whole ? 1 : 0)
    this.#value = range.min + width * (0.25 + chance / 2)
  }

  /**
   * The next value, at most a fiftieth of the range away (and 1 for whole numbers); one decimal.
   */
  next(chance: number): number {
    const { min, max, whole } = this.#range
    const pull = ((min + max) / 2 - this.#value) * 0.02
    const moved = this.#value + pull + (chance * 2 - 1) * this.#step * 0.9
    this.#value = Math.min(max, Math.max(min, moved))
    const rounded = whole ? Math.round(this.#value) : Math.round(this.#value * 10) / 10
    return Math.min(max, Math.max(min, rounded))
  }
}

/**
 * The numeric properties of a TSL document, each with the part of its range that a room could have.
 */
export function numericProperties(tsl: JsonObject): ReadonlyMap<string, Range> {
  const found = new Map<string, Range>()
  const properties = Array.isArray(tsl['properties']) ? tsl['properties'] : []
  for (const property of properties as readonly unknown[]) {
    if (!isJsonObject(property) || typeof property['identifier'] !== 'string') continue
    const type = property['dataType']
    if (!isJsonObject(type) || !NUMBERS.has(type['type'])) continue
    const specs = isJsonObject(type['specs']) ? type['specs'] : {}
    found.set(property['identifier'], rangeOf(specs, type['type'] === 'int'))
  }
  return found
}

function rangeOf(specs: JsonObject, whole: boolean): Range {
  const min = bound(specs['min'], Number.NEGATIVE_INFINITY)
  const max = bound(specs['max'], Number.POSITIVE_INFINITY)
  const low = Math.max(min, ROOM.min)
  const high = Math.min(max, ROOM.max)
  if (low < high) return { min: low, max: high, whole }
  return Number.isFinite(min) && Number.isFinite(max)
    ? { min, max, whole }
    : {
        min: Number.isFinite(min) ? min : max - 10,
        max: Number.isFinite(max) ? max : min + 10,
        whole,
      }
}

function bound(spec: unknown, otherwise: number): number {
  const value = typeof spec === 'string' && spec.trim() !== '' ? Number(spec) : spec
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}
