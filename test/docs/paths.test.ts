import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const ROOMS = ['actors', 'bench', 'core', 'docs', 'protocol', 'storage', 'test', 'threads']

function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(folder, name),
  )
}

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  ...filesUnder('docs').filter((name) => name.endsWith('.md')),
]
const SOURCES = new Set(['index.ts', 'main.ts', ...ROOMS.flatMap(filesUnder)])
const NAMES = new Set([...SOURCES].map((path) => basename(path)))

describe('the pages of the project', () => {
  it('link to files that are there', () => {
    let count = 0
    for (const page of PAGES) {
      const text = readFileSync(join(ROOT, page), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        count += 1
        assert.ok(existsSync(join(ROOT, dirname(page), target)), `${page}: ${target}`)
      }
    }
    assert.ok(count > 20)
  })

  it('name sources that are there, by their path or by their name alone', () => {
    let count = 0
    for (const page of PAGES) {
      const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[^]*?^```$/gm, '')
      for (const [, span = ''] of text.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)) {
        const room = span.split('/')[0] as string
        if (span.endsWith('/') && !ROOMS.includes(room)) continue // a folder of something else
        count += 1
        const there = span.includes('/') ? existsSync(join(ROOT, span)) : NAMES.has(span)
        assert.ok(there, `${page}: ${span}`)
      }
    }
    assert.ok(count > 100)
  })
})
