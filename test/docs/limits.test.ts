import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SETTING_KEYS, SETTINGS } from '../../core/domain/settings-table.ts'

const PATH = join(fileURLToPath(new URL('../../../', import.meta.url)), 'docs', 'limits.md')
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
})
