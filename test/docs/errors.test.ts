import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from '../../core/domain/errors.ts'
import { PROBLEM_STATUS } from '../../protocol/api/problem.ts'
import { connackCode } from '../../protocol/auth/connack-code.ts'
import { REASON } from '../../protocol/mqtt/reason-code.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const DOCUMENT = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')

function sources(...rooms: readonly string[]): string {
  return rooms
    .flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => readFileSync(join(ROOT, room, path), 'utf8')),
    )
    .join('\n')
}

/** The table under a heading, by the word of its first column; cells without their back ticks. */
function table(heading: string): ReadonlyMap<string, readonly string[]> {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))
  assert.ok(section !== undefined, heading)
  const rows = [...section.matchAll(/^\| `([a-z0-9.-]+)` \|(.*)\|$/gm)].map(
    ([, word = '', rest = '']) => {
      const cells = rest.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', ''))
      return [word, cells] as const
    },
  )
  assert.equal(new Set(rows.map(([word]) => word)).size, rows.length, `twice under ${heading}`)
  return new Map(rows)
}

function hex(code: number): string {
  return `0x${code.toString(16)}`
}

/** Every reason word that stands beside an MQTT 5 code in the sources: `REASON.x, 'word'`. */
function faults(): ReadonlyMap<string, string> {
  const byReason = new Map<string, Set<string>>()
  const found = sources('protocol').matchAll(
    /REASON\.(\w+),\s*(?:reason: |reason = )?'([a-z0-9-]+)'/g,
  )
  for (const [, name, reason = ''] of found) {
    const codes = byReason.get(reason) ?? new Set()
    byReason.set(reason, codes.add(hex(REASON[name as keyof typeof REASON])))
  }
  return new Map([...byReason].map(([reason, codes]) => [reason, [...codes].sort().join(' ')]))
}

/** Every counter of the sources with the reasons that are written where it is counted. */
function counted(): ReadonlyMap<string, ReadonlySet<string>> {
  const calls = sources('actors', 'protocol', 'threads').matchAll(
    /\.add\(\s*'([a-z]+\.[a-z-]+)'(?:,\s*'([a-z0-9-]+)')?/g,
  )
  const byName = new Map<string, Set<string>>()
  for (const [, name = '', reason] of calls) {
    const reasons = byName.get(name) ?? new Set()
    if (reason !== undefined) reasons.add(reason)
    byName.set(name, reasons)
  }
  return byName
}

describe('docs/errors.md', () => {
  it('has every code with its HTTP status, and no other', () => {
    const rows = table('Codes of `PlatformError` and of the management API')
    const documented = Object.fromEntries([...rows].map(([code, [http]]) => [code, Number(http)]))
    assert.deepEqual(documented, { ...PROBLEM_STATUS })
    assert.deepEqual([...rows.keys()].sort(), [...ERROR_CODES].sort())
  })

  it('has every counter of the sources with its reasons, and no other counter', () => {
    const rows = table('Counters')
    const names = counted()
    assert.deepEqual([...rows.keys()], [...names.keys()].sort())
    const closed = table('Why a connection was closed')
    for (const [name, reasons] of names) {
      const documented =
        name === 'connection.closed' ? [...closed.keys()] : (rows.get(name)?.[0]?.split(' ') ?? [])
      for (const reason of reasons) assert.ok(documented.includes(reason), `${name}.${reason}`)
    }
  })

  it('has every reason that a device role, a delivery or a gate gives to a counter', () => {
    const rows = table('Counters')
    const given = {
      'publish.refused': /kind: 'refused', reason: '([a-z-]+)'/g,
      'accept.refused': /refusedHandshake\('([a-z-]+)'\)/g,
    }
    for (const [name, pattern] of Object.entries(given)) {
      const words = [...sources('protocol/mqtt', 'protocol/listeners').matchAll(pattern)]
      assert.ok(words.length >= 2, name)
      for (const [, word = ''] of words) assert.ok(rows.get(name)?.[0]?.includes(word), word)
    }
    const links = readFileSync(join(ROOT, 'core/ports/device-link.ts'), 'utf8')
    const [, deliveries = ''] = /type Delivery = (.*)/.exec(links) ?? []
    const dropped = [...deliveries.matchAll(/'([a-z-]+)'/g)].map(([, word]) => word as string)
    assert.deepEqual(
      new Set(rows.get('downlink.dropped')?.[0]?.split(' ')),
      new Set(['offline', ...dropped.filter((word) => word !== 'sent')]),
    )
  })

  it('has every refusal of a login with its CONNACK codes', () => {
    const rows = table('Why a CONNECT was refused')
    const source = readFileSync(join(ROOT, 'protocol/auth/connack-code.ts'), 'utf8')
    const reasons = [...source.matchAll(/^ {2}'([a-z-]+)': [A-Z]+,$/gm)].map(([, word]) => word)
    assert.ok(reasons.length > 10)
    for (const reason of reasons as Parameters<typeof connackCode>[0][]) {
      const { v3, v5 } = connackCode(reason)
      assert.deepEqual(rows.get(reason)?.slice(0, 2), [String(v3), hex(v5)], reason)
    }
  })

  it('has every fault that ends a connection with its MQTT 5 code, and no other', () => {
    const refused = table('Why a CONNECT was refused')
    const closed = table('Why a connection was closed')
    const known = faults()
    assert.ok(known.size > 40)
    for (const [reason, codes] of known) {
      const documented = closed.get(reason)?.[0] ?? refused.get(reason)?.[1]
      assert.equal(documented, codes, reason)
    }
    const others = [...closed.keys()].filter((reason) => !known.has(reason))
    // One is no fault, the other takes its words from the parser.
    assert.deepEqual(others, ['client-disconnect', 'malformed-packet'])
  })
})
