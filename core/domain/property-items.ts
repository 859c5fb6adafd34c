/**
 * Properties of a device by their identifiers, which may be any text: `__proto__`, too, is an ordinary key, since nothing
 * is inherited. Made by a constructor, whose objects keep V8's fast shapes; those of `Object.create(null)` are hash tables,
 * at which a post of five properties cost a third more.
 */
import type { JsonValue } from './json.ts'

export interface PropertyValue {
  readonly value: JsonValue
  /** Milliseconds since the epoch: the device's time where it gave one, else the platform's. */
  readonly time: number
}

export type PropertyItems = Record<string, PropertyValue>

const Items = function (): void {} as unknown as new () => PropertyItems
Items.prototype = Object.freeze(Object.create(null))

export function emptyItems(): PropertyItems {
  return new Items()
}
