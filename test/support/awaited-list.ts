/** A list that grows while a test waits for what it looks for in it: by events, with a last moment. */

/** Far beyond what a loaded machine needs: what is late by so much does not come. */
const DEADLINE_MS = 20_000

export class AwaitedList<Item> {
  readonly #items: Item[] = []
  readonly #looking = new Set<() => void>()
  #end: string | undefined

  get items(): readonly Item[] {
    return this.#items
  }

  push(item: Item): void {
    this.#items.push(item)
    for (const look of this.#looking) look()
  }

  /** Nothing comes any more: who still waits is told the reason. */
  end(reason: string): void {
    this.#end = reason
    for (const look of this.#looking) look()
  }

  /** Resolves once it holds; asked now and at each item. @throws at the end of the list or after 20 s, with all items */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (fault?: string): void => {
        clearTimeout(timer)
        this.#looking.delete(look)
        if (fault === undefined) resolve()
        else reject(new Error(`${fault}; so far ${JSON.stringify(this.#items, undefined, 1)}`))
      }
      const look = (): void => {
        if (holds()) finish()
        else if (this.#end !== undefined) finish(this.#end)
      }
      const timer = setTimeout(() => finish('it did not come'), DEADLINE_MS)
      this.#looking.add(look)
      look()
    })
  }

  /** The first item that passes, past or to come; as `until`. */
  async find(passes: (item: Item) => boolean): Promise<Item> {
    await this.until(() => this.#items.some(passes))
    return this.#items.find(passes) as Item
  }
}
