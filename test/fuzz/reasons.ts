/** docs/errors.md as the fuzz reads it: the code that belongs to each reason. */
import { readFileSync } from 'node:fs'

export interface RefusalCodes {
  readonly v3: number
  readonly v5: number
}

/** Reasons of `connection.closed` with their code of MQTT 5; `undefined`: nothing is said. */
export const CLOSED: ReadonlyMap<string, number | undefined> = new Map(
  rows('Why a connection was closed').map(([reason, code = '']) => [
    reason,
    code === '' ? undefined : Number(code),
  ]),
)

/** Reasons of `connect.refused` with their CONNACK codes. */
export const REFUSED: ReadonlyMap<string, RefusalCodes> = new Map(
  rows('Why a CONNECT was refused').map(([reason, v3, v5]) => [
    reason,
    { v3: Number(v3), v5: Number(v5) },
  ]),
)

function rows(heading: string): [string, ...string[]][] {
  const document = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const found = [...section.matchAll(/^\| `([a-z0-9-]+)` \|([^|]*)\|([^|]*)\|/gm)].map(
    ([, word = '', ...cells]): [string, ...string[]] => [word, ...cells.map((cell) => cell.trim())],
  )
  if (found.length === 0) throw new Error(`docs/errors.md has no table under ${heading}`)
  return found
}
