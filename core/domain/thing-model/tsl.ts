/**
 * The thing model of a product as it is stored: what the product's author wrote, checked and put in
 * order by `parse-tsl.ts`. The generated members (`post`, `set`, `get`) are not in it; `export-tsl.ts`
 * adds them. A `Tsl` is plain JSON: it crosses threads and lies in the registry as it is.
 *
 * Numbers in specs stay decimal strings, as in TSL (tsl.md §2); `thing-model.ts` reads them once.
 */
type AccessMode = 'r' | 'rw' | 'w'
type EventType = 'info' | 'alert' | 'error'
type CallType = 'async' | 'sync'

export interface NumberSpecs {
  /** An absent bound does not bind, but for `int`, which is always within 32 bits. */
  readonly min?: string
  readonly max?: string
  /** For people and user interfaces: no value is held against it (tsl.md §2). */
  readonly step?: string
  readonly unit?: string
  readonly unitName?: string
}

export interface NumberType {
  readonly type: 'int' | 'float' | 'double'
  readonly specs: NumberSpecs
}

/** Names by key; a key is an integer in decimal, for `bool` exactly `0` and `1`. */
export interface KeyedType {
  readonly type: 'enum' | 'bool'
  readonly specs: Readonly<Record<string, string>>
}

interface TextType {
  readonly type: 'text'
  /** Largest length in bytes of UTF-8. */
  readonly specs: { readonly length: string }
}

interface DateType {
  readonly type: 'date'
  readonly specs: Readonly<Record<string, never>>
}

export type ScalarType = NumberType | KeyedType | TextType | DateType

export interface StructMember {
  readonly identifier: string
  readonly name: string
  readonly dataType: ScalarType
}

export interface StructType {
  readonly type: 'struct'
  readonly specs: readonly StructMember[]
}

/** What an array may hold; only the items of a struct have specs of their own. */
export type ItemType = { readonly type: 'int' | 'float' | 'double' | 'text' } | StructType

export interface ArrayType {
  readonly type: 'array'
  readonly specs: { readonly size: string; readonly item: ItemType }
}

export type DataType = ScalarType | StructType | ArrayType

export interface TslParam {
  readonly identifier: string
  readonly name: string
  readonly dataType: DataType
}

export interface TslProperty extends TslParam {
  readonly desc: string
  readonly accessMode: AccessMode
  /** The standard category asks for it; not enforced on what devices send. */
  readonly required: boolean
}

export interface TslEvent {
  readonly identifier: string
  readonly name: string
  readonly desc: string
  readonly type: EventType
  readonly required: boolean
  readonly outputData: readonly TslParam[]
}

export interface TslService {
  readonly identifier: string
  readonly name: string
  readonly desc: string
  readonly callType: CallType
  readonly required: boolean
  readonly inputData: readonly TslParam[]
  readonly outputData: readonly TslParam[]
}

export interface Tsl {
  readonly properties: readonly TslProperty[]
  readonly events: readonly TslEvent[]
  readonly services: readonly TslService[]
}

/** A property may be written by the platform. */
export function isWritable(property: TslProperty): boolean {
  return property.accessMode !== 'r'
}
