import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missingTool } from '../support/required-tool.ts'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const BUILD = dirname(fileURLToPath(new URL('../', import.meta.url)))
const noMosquitto = missingTool('sh', ['-c', 'command -v mosquitto_pub'], 'mosquitto-clients')

/** The README's blocks of this kind, in order. */
function blocks(kind: string): { readonly tags: string; readonly text: string }[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const found = readme.matchAll(new RegExp(`^\`\`\`${kind}(.*)\\n([^]*?)^\`\`\`$`, 'gm'))
  return [...found].map(([, tags, text]) => ({ tags: tags as string, text: text as string }))
}

describe('the README', () => {
  it('tells a tour whose every command works, word for word', async (t) => {
    const directory = temporaryDirectory(t)
    const server = await RunningServer.start({ data: directory })
    t.after(() => server.dispose())
    // As in the project's folder: the build, the examples and the data beside each other.
    symlinkSync(BUILD, join(directory, 'dist'))
    symlinkSync(join(ROOT, 'docs'), join(directory, 'docs'))
    const port = server.port('auto')
    const tour = blocks('sh tour').filter(
      ({ tags }) => noMosquitto === false || !/mosquitto/.test(tags),
    )
    assert.ok(tour.length >= 3)
    const commands = tour
      .map(({ text }) => text)
      .join('\n')
      .replaceAll('-p 1883', `-p ${port}`)
      .replaceAll('simulate 100', `simulate 100 --port ${port}`)
    const { status, stdout, stderr } = spawnSync('bash', ['-euxo', 'pipefail', '-c', commands], {
      cwd: directory,
      env: { ...process.env, TIDEGATE_URL: server.ready.api.url },
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, stderr)
    if (noMosquitto === false) assert.match(stdout, /temperature\s+21\.5/)
    assert.match(stdout, /connected\s+100/)
  })

  it('names two commands, and CI runs the one for the tests', () => {
    const named = blocks('').map(({ text }) => text.trim())
    assert.ok(named.includes('npm ci && npm start') && named.includes('npm ci && npm test'))
    assert.match(readFileSync(join(ROOT, '.ci', 'run'), 'utf8'), /^npm ci && npm test$/m)
  })
})
