import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SETTING_KEYS, SETTINGS } from '../../core/domain/settings-table.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PATH = join(ROOT, 'docs', 'limits.md')
const START = '<!-- settings -->\n'
const END = '<!-- end of settings -->\n'

/** The table of all settings that bound something, as the one table of the code has them. */
function settingsTable(): string {
  const keys = SETTING_KEYS.filter((key) => key.startsWith('limits.') || key.startsWith('log.'))
  const rows = keys.map((key) => {
    const { type, initial, meaning } = SETTINGS[key]
    const range = type.kind === 'integer' ? `${type.min} to ${type.max}` : ''
    return `| \`${key}\` | ${initial as number} | ${range} | ${meaning} |\n`
  })
  return `| setting | default | range | meaning, and what happens at the bound |\n|---|---|---|---|\n${rows.join('')}`
}

/** Constants that the page names, each with its file: `NAME = value` in `path`. */
function namedConstants(): readonly { readonly constant: string; readonly path: string }[] {
  const found = readFileSync(PATH, 'utf8').matchAll(/`([A-Z_]+ = [^`]+)` in `([^`]+)`/g)
  return [...found].map(([, constant = '', path = '']) => ({ constant, path }))
}

describe('docs/limits.md', () => {
  it('has every bound that can be set, as the code has it (UPDATE_DOCS=1 writes it)', () => {
    const document = readFileSync(PATH, 'utf8')
    const [before = '', rest = ''] = document.split(START)
    const [table = '', after = ''] = rest.split(END)
    const expected = settingsTable()
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(PATH, before + START + expected + END + after)
    else assert.equal(table, expected)
  })

  it('names constants that stand in their files with these values', () => {
    const named = namedConstants()
    assert.ok(named.length > 60)
    for (const { constant, path } of named) {
      const lines = readFileSync(join(ROOT, path), 'utf8').split('\n')
      const stands = lines.some((line) =>
        line
          .replace(/^export /, '')
          .replace(/ \/\/.*$/, '')
          .endsWith(`const ${constant}`),
      )
      assert.ok(stands, `${constant} in ${path}`)
    }
  })

  it('misses no constant that says MAX', () => {
    const named = new Set(namedConstants().map(({ constant, path }) => `${path} ${constant}`))
    let count = 0
    for (const room of ['actors', 'core', 'protocol', 'storage', 'threads']) {
      for (const file of readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.ts')) continue
        const source = readFileSync(join(ROOT, room, file), 'utf8')
        for (const [, constant = ''] of source.matchAll(
          /^(?:export )?const (MAX_\w+ = [^\n]*?)(?: \/\/.*)?$/gm,
        )) {
          count += 1
          const key = `${join(room, file)} ${constant}`
          assert.ok(named.has(key), `${key} is in no row of docs/limits.md`)
        }
      }
    }
    assert.ok(count > 40)
  })
})
