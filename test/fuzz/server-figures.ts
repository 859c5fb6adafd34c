/** What a server says of itself in `GET /api/v1/metrics`, summed up over its shards. */
import type { RunningServer } from '../support/running-server.ts'

const PREFIX = 'tidegate_'

export class ServerFigures {
  readonly #values: ReadonlyMap<string, number>

  private constructor(values: ReadonlyMap<string, number>) {
    this.#values = values
  }

  static async of(server: RunningServer): Promise<ServerFigures> {
    const { url, key } = server.ready.api
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(`${url}/api/v1/metrics`, { headers })
    if (response.status !== 200) throw new Error(`metrics: ${response.status}`)
    const values = new Map<string, number>()
    for (const line of (await response.text()).split('\n')) {
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === undefined || !name.startsWith(PREFIX)) continue
      const reason = /reason="([^"]*)"/.exec(labels)?.[1]
      const word = `${name.slice(PREFIX.length)}${reason === undefined ? '' : `.${reason}`}`
      values.set(word, (values.get(word) ?? 0) + Number(value))
    }
    return new ServerFigures(values)
  }

  /** 0 where it was never counted. */
  value(name: string): number {
    return this.#values.get(name) ?? 0
  }

  /** By reason, how much a counter has risen since; those that have not are left out. */
  risen(counter: string, since: ServerFigures): Map<string, number> {
    const start = `${counter}_total.`
    const reasons = new Map<string, number>()
    for (const [name, value] of this.#values) {
      const by = value - since.value(name)
      if (name.startsWith(start) && by !== 0) reasons.set(name.slice(start.length), by)
    }
    return reasons
  }
}
