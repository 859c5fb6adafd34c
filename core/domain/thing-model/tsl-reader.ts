/**
 * Reads the fields of a TSL document and gathers what is wrong with them, so that an author sees
 * every fault at once. A field with a fault yields a placeholder: what was read counts only while
 * `faults` is empty. Lives for one parse; at most `MAX_FAULTS` are kept, later ones add nothing new.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'

/** Where (a JSON pointer into the document) and what is expected there. */
export interface TslFault {
  readonly path: string
  readonly message: string
}

const MAX_FAULTS = 100
const IDENTIFIER = /^[A-Za-z0-9_]{1,50}$/ // tsl.md §1
/** The original's list, and the one name that JavaScript objects keep for themselves. */
const RESERVED: ReadonlySet<string> = new Set([
  'set',
  'get',
  'post',
  'property',
  'event',
  'time',
  'value',
  '__proto__',
])
const MAX_NAME_CHARS = 30
/** Letters of any script rather than the three the original lists; blanks, as its own samples have. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}\-_/. ]*$/u
const MAX_DESC_CHARS = 1024 // no source gives a bound; enough for a paragraph

export class TslReader {
  readonly faults: TslFault[] = []

  fault(path: string, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ path, message })
  }

  object(raw: unknown, path: string): JsonObject | undefined {
    if (isJsonObject(raw)) return raw
    this.fault(path, 'must be an object')
    return undefined
  }

  /** Absent reads as empty. */
  list(raw: JsonValue | undefined, path: string, max: number): readonly JsonValue[] {
    if (raw === undefined || raw === null) return []
    if (!Array.isArray(raw)) {
      this.fault(path, 'must be a list')
      return []
    }
    if (raw.length <= max) return raw as readonly JsonValue[]
    this.fault(path, `must have at most ${max} items, has ${raw.length}`)
    return []
  }

  identifier(raw: JsonValue | undefined, path: string, taken: Set<string>): string {
    if (typeof raw !== 'string' || !IDENTIFIER.test(raw)) {
      this.fault(path, 'must be 1 to 50 letters, digits or underscores')
      return ''
    }
    if (RESERVED.has(raw)) this.fault(path, `${raw} is a reserved word; choose another identifier`)
    else if (taken.has(raw)) this.fault(path, `${raw} is already used; identifiers must be unique`)
    taken.add(raw)
    return raw
  }

  /** The identifier stands in for an absent name. */
  name(raw: JsonValue | undefined, path: string, identifier: string, taken: Set<string>): string {
    const name = raw ?? identifier
    if (typeof name !== 'string' || (name !== identifier && !isName(name))) {
      this.fault(
        path,
        `must be 1 to ${MAX_NAME_CHARS} letters, digits, blanks or - _ / . and begin with a letter or digit`,
      )
      return identifier
    }
    if (taken.has(name))
      this.fault(path, `${JSON.stringify(name)} is already used; names must be unique`)
    taken.add(name)
    return name
  }

  /** Absent reads as empty. */
  description(raw: JsonValue | undefined, path: string): string {
    const text = raw ?? ''
    if (typeof text === 'string' && text.length <= MAX_DESC_CHARS) return text
    this.fault(path, `must be text of at most ${MAX_DESC_CHARS} characters`)
    return ''
  }

  /** Absent reads as false. */
  flag(raw: JsonValue | undefined, path: string): boolean {
    const flag = raw ?? false
    if (typeof flag === 'boolean') return flag
    this.fault(path, 'must be true or false')
    return false
  }

  word<Word extends string>(
    raw: JsonValue | undefined,
    path: string,
    words: readonly [Word, ...Word[]],
  ): Word {
    return this.type(raw, path, words) ?? words[0]
  }

  /** As `word`; `undefined` on a fault, for words that decide how to read on. */
  type<Word extends string>(
    raw: JsonValue | undefined,
    path: string,
    words: readonly Word[],
  ): Word | undefined {
    const word = words.find((known) => known === raw)
    if (word === undefined) this.fault(path, `must be one of ${words.join(', ')}`)
    return word
  }

  /** A whole number as a decimal string; a JSON number is taken too. */
  count(raw: JsonValue | undefined, path: string, max: number): string {
    const text = typeof raw === 'number' ? String(raw) : raw
    const count = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (count >= 1 && count <= max) return String(count)
    this.fault(path, `must be a whole number from 1 to ${max}, written as a string`)
    return '1'
  }
}

function isName(name: string): boolean {
  return name.length <= MAX_NAME_CHARS && NAME.test(name)
}
