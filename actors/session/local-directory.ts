/** Client identifiers of one shard. Bounded by its connections: every holder releases when it closes. */
import type { ClientDirectory, ClientHolder } from '../../core/ports/client-directory.ts'

export class LocalDirectory implements ClientDirectory {
  readonly #holders = new Map<string, ClientHolder>()

  claim(name: string, holder: ClientHolder): void {
    const before = this.#holders.get(name)
    this.#holders.set(name, holder)
    before?.takenOver()
  }

  release(name: string, holder: ClientHolder): void {
    if (this.#holders.get(name) === holder) this.#holders.delete(name)
  }
}
