/**
 * A place in the message logs of a platform, whatever their number: `0:123,1:456`, the sequence seen last in
 * each log, ascending by log. A log that is not named is read from its start: nothing of it was seen.
 */
import { PlatformError } from './errors.ts'

const PLACE = /^(\d{1,5}):(\d{1,16})$/
const LAST_LOG = 0xffff // what the header of a record can say

export class UplinkCursor {
  readonly #sequences = new Map<number, number>()
  /** Of the log that was advanced last: the text around its place. */
  #log = -1
  #before = ''
  #behind = ''

  /** @throws request.invalid */
  static parse(text: string): UplinkCursor {
    const cursor = new UplinkCursor()
    for (const place of text.split(',')) {
      const [, log = '', sequence = ''] = PLACE.exec(place) ?? []
      const known = log !== '' && Number(log) <= LAST_LOG && Number.isSafeInteger(Number(sequence))
      if (!known || cursor.#sequences.has(Number(log))) {
        const message = `${JSON.stringify(text)} is no cursor of this platform`
        throw new PlatformError('request.invalid', message)
      }
      cursor.advance(Number(log), Number(sequence))
    }
    return cursor
  }

  /** The sequence seen last; 0 where nothing was. */
  sequence(log: number): number {
    return this.#sequences.get(log) ?? 0
  }

  advance(log: number, sequence: number): void {
    this.#sequences.set(log, sequence)
    if (log !== this.#log) this.#turnTo(log)
  }

  /** Asked for with each message, of runs that stay with one log. */
  toString(): string {
    if (this.#log === -1) return ''
    return `${this.#before}${this.#log}:${this.sequence(this.#log)}${this.#behind}`
  }

  #turnTo(log: number): void {
    const places = [...this.#sequences].sort(([a], [b]) => a - b)
    this.#log = log
    this.#before = places.flatMap(([at, seen]) => (at < log ? `${at}:${seen},` : [])).join('')
    this.#behind = places.flatMap(([at, seen]) => (at > log ? `,${at}:${seen}` : [])).join('')
  }
}
