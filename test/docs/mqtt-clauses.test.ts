/**
 * `docs/mqtt-clauses.md`: which normative statement of MQTT is obeyed where, and which test proves it. A line that obeys
 * one names its number in a comment, a test in its name or beside its case. Numbers are those of MQTT 5.0; behind one of
 * 3.1.1, which counts otherwise, stands `of 3.1.1`.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PATH = join(ROOT, 'docs', 'mqtt-clauses.md')
const START = '<!-- clauses -->\n'
const END = '<!-- end of clauses -->\n'

const SOURCES = ['actors', 'core', 'protocol', 'storage', 'threads']
const VERSIONS = ['5.0', '3.1.1'] as const
type Version = (typeof VERSIONS)[number]

/** `3.1.2-22`, with the files that name it. */
type Clauses = ReadonlyMap<string, readonly string[]>

/** Numbers may be parted from `of 3.1.1` by the end of a comment's line. */
const TAG = /\[MQTT-(\d+\.\d+\.\d+-\d+)\](?:[\s*/]+of (3\.1\.1))?/g

function clausesOf(rooms: readonly string[], version: Version): Clauses {
  const clauses = new Map<string, string[]>()
  for (const room of rooms) {
    const files = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).sort()
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const path = join(room, file)
      for (const [, clause = '', of = '5.0'] of readFileSync(join(ROOT, path), 'utf8').matchAll(
        TAG,
      )) {
        if (of !== version) continue
        const paths = clauses.get(clause) ?? []
        if (!paths.includes(path)) paths.push(path)
        clauses.set(clause, paths)
      }
    }
  }
  return clauses
}

/** Section by section: `3.10.4-1` stands behind `3.9.3-2`. */
function inOrder(a: string, b: string): number {
  const [left, right] = [a, b].map((clause) => clause.split(/[.-]/).map(Number))
  const at = left?.findIndex((part, i) => part !== right?.[i]) ?? -1
  return at < 0 ? 0 : (left?.[at] as number) - (right?.[at] as number)
}

function table(version: Version): string {
  const [obeyed, proven] = [clausesOf(SOURCES, version), clausesOf(['test'], version)]
  const links = (paths: readonly string[] = []): string =>
    paths.map((path) => `[${basename(path)}](../${path})`).join(' ')
  const rows = [...new Set([...obeyed.keys(), ...proven.keys()])]
    .sort(inOrder)
    .map(
      (clause) => `| ${clause} | ${links(obeyed.get(clause))} | ${links(proven.get(clause))} |\n`,
    )
  return `| clause | obeyed in | proven by |\n|---|---|---|\n${rows.join('')}`
}

function tables(): string {
  return VERSIONS.map((version) => `\n## MQTT ${version}\n\n${table(version)}`).join('')
}

describe('docs/mqtt-clauses.md', () => {
  it('has every clause that a source or a test names (UPDATE_DOCS=1 writes it)', () => {
    const document = readFileSync(PATH, 'utf8')
    const [before = '', rest = ''] = document.split(START)
    const [written = '', after = ''] = rest.split(END)
    const expected = tables()
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(PATH, before + START + expected + END + after)
    else assert.equal(written, expected)
  })

  for (const version of VERSIONS) {
    it(`names no clause of ${version} that no test proves, or that no source obeys`, () => {
      const [obeyed, proven] = [clausesOf(SOURCES, version), clausesOf(['test'], version)]
      assert.ok(obeyed.size > (version === '5.0' ? 100 : 2))
      const without = (some: Clauses, others: Clauses): string[] =>
        [...some]
          .filter(([clause]) => !others.has(clause))
          .map(([clause, paths]) => `${clause} ${paths.join(' ')}`)
      assert.deepEqual(without(obeyed, proven), [], 'obeyed, but not proven')
      assert.deepEqual(without(proven, obeyed), [], 'proven, but obeyed nowhere')
    })
  }
})
