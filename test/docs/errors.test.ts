import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from '../../core/domain/errors.ts'
import { PROBLEM_STATUS } from '../../protocol/api/problem.ts'
import { CLOSE_FAULT, FAULT } from '../../protocol/mqtt/faults.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const document = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')

function sources(): string {
  return ['actors', 'protocol', 'threads']
    .flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => readFileSync(join(ROOT, room, path), 'utf8')),
    )
    .join('\n')
}

describe('docs/errors.md', () => {
  it('has every code with its HTTP status, and no other', () => {
    const rows = [...document.matchAll(/^\| `([a-z.-]+)` \| (\d{3}) \|/gm)]
    const documented = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))
    assert.deepEqual(documented, { ...PROBLEM_STATUS })
    assert.deepEqual(Object.keys(documented).sort(), [...ERROR_CODES].sort())
  })

  it('names every counter of the sources with its reasons', () => {
    const calls = [...sources().matchAll(/\.add\(\s*'([a-z.-]+)'(?:,\s*'([a-z0-9-]+)')?/g)]
    assert.ok(calls.length > 20)
    const kept = new Set(['connect.accepted', 'connection.opened', 'connect.hint']) // no refusals
    for (const [, name = '', reason] of calls) {
      if (kept.has(name)) continue
      if (name !== 'connection.closed') assert.ok(document.includes(`| \`${name}\` |`), name)
      if (reason !== undefined) assert.ok(document.includes(`\`${reason}\``), `${name}.${reason}`)
    }
  })

  it('names every reason for which a connection is closed', () => {
    const faults = [...Object.values(FAULT), ...Object.values(CLOSE_FAULT)].map(
      ({ reason }) => reason,
    )
    const others = [...sources().matchAll(/reason: '([a-z0-9-]+)'/g)].map(([, reason]) => reason)
    for (const reason of [...faults, ...others])
      assert.ok(document.includes(`\`${reason}\``), reason)
  })
})
