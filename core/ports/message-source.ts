/** Messages that are fetched as their session has room for them: memory independent of how many there are. */
import type { Publication } from './publication.ts'

export interface MessageSource {
  /** A bounded step: some that are due next, perhaps none yet; `undefined`: there are no more. */
  next(): readonly Publication[] | undefined
}
