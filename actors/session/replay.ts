/** Messages of a source on their way into a session, one after the other: what was fetched and not yet sent. */
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { DeliveryTerms } from '../../core/ports/relay.ts'

export class Replay {
  readonly terms: DeliveryTerms
  readonly #source: MessageSource
  #fetched: readonly Publication[] = []
  #at = 0

  constructor(source: MessageSource, terms: DeliveryTerms) {
    this.#source = source
    this.terms = terms
  }

  /** The message that is due, if one is fetched. */
  get due(): Publication | undefined {
    return this.#fetched[this.#at]
  }

  /** The one that was due is sent. */
  sent(): void {
    this.#at += 1
  }

  /** Where none is due: fetches some; false: there are no more. */
  fetch(): boolean {
    const fetched = this.#source.next()
    this.#fetched = fetched ?? []
    this.#at = 0
    return fetched !== undefined
  }
}
