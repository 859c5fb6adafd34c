import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { deviceCredentials } from '../support/device-credentials.ts'
import { missingTool } from '../support/required-tool.ts'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const BUILD = dirname(fileURLToPath(new URL('../', import.meta.url)))
const PYTHON = '/usr/bin/python3' // Debian's, which has Debian's paho
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const missing = new Map([
  ['mosquitto', missingTool('sh', ['-c', 'command -v mosquitto_sub'], 'mosquitto-clients')],
  ['python', missingTool(PYTHON, ['-c', 'import paho.mqtt.client'], 'python3-paho-mqtt')],
])

interface Block {
  readonly tags: readonly string[]
  readonly text: string
}

/** The README's fenced blocks that begin so, in order; `tags` are the words behind. */
function blocks(kind: string): readonly Block[] {
  const found = README.matchAll(new RegExp(`^\`\`\`${kind}( [^\n]*)?\\n([^]*?)^\`\`\`$`, 'gm'))
  return [...found].map(([, tags = '', text = '']) => ({ tags: tags.trim().split(' '), text }))
}

describe('the README', () => {
  it('tells a tour whose every command works, word for word', async (t) => {
    const directory = temporaryDirectory(t)
    const server = await RunningServer.start({ data: directory })
    t.after(() => server.dispose())
    // As in the project's folder: the build, the examples and the data beside each other.
    symlinkSync(BUILD, join(directory, 'dist'))
    for (const name of ['docs', 'test']) symlinkSync(join(ROOT, name), join(directory, name))
    const port = server.port('auto')
    const tour = blocks('sh tour')
    const runnable = tour.filter(({ tags }) => tags.every((tag) => !missing.get(tag)))
    for (const reason of missing.values()) if (reason !== false) t.diagnostic(reason)
    assert.ok(tour.length >= 8 && runnable.length >= 4)
    const commands = runnable
      .map(({ text }) => text)
      .join('\n')
      .replaceAll('-p 1883', `-p ${port}`)
      .replaceAll('127.0.0.1 1883', `127.0.0.1 ${port}`)
      .replaceAll('simulate 100', `simulate 100 --port ${port}`)
      .replaceAll('python3', PYTHON)
    assert.doesNotMatch(commands, /1883/)
    const { status, stdout, stderr } = spawnSync('bash', ['-euxo', 'pipefail', '-c', commands], {
      cwd: directory,
      env: { ...process.env, TIDEGATE_URL: server.ready.api.url },
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^properties {2}2$/m)
    assert.match(stdout, /^room-1 +inactive/m)
    if (missing.get('mosquitto') === false) {
      assert.match(stdout, /^temperature +21\.5 +°C/m)
      assert.match(stdout, /"params":\{"fan":1\},"method":"thing\.service\.property\.set"/)
      assert.match(stdout, /^\/sys\/\w+\/room-1\/thing\/event\/property\/post .*23\}\}$/m)
    }
    if (missing.get('python') === false) {
      assert.match(stdout, /"code":200/)
      assert.match(stdout, /^status +offline$/m)
    }
    assert.match(stdout, /^connected +100$/m)
    assert.match(stdout, /^0 +0 +0 +\d+/m)
    const { items } = (await server.api('GET', '/products')).body as { items: { name: string }[] }
    assert.deepEqual(
      items.map(({ name }) => name),
      ['demo-temp-sensor'],
    )
  })

  it('shows a library whose program hears a device', async (t) => {
    const directory = temporaryDirectory(t)
    const [program, ...others] = blocks('js library')
    assert.ok(program !== undefined && others.length === 0)
    const installed = join(directory, 'node_modules', 'tidegate')
    mkdirSync(installed, { recursive: true })
    symlinkSync(join(ROOT, 'package.json'), join(installed, 'package.json'))
    symlinkSync(BUILD, join(installed, 'dist'))
    writeFileSync(join(directory, 'package.json'), '{}') // else its name is looked up further above
    writeFileSync(join(directory, 'program.mjs'), program.text.replace(':1883', ':0'))
    const child = spawn(process.execPath, ['program.mjs'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const told = (await lines.next()).value as string
    const [url = '', productKey = '', deviceSecret = ''] = told.split(' ')
    const client = await mqtt.connectAsync(url.replace('auto:', 'mqtt:'), {
      ...deviceCredentials({ productKey, deviceName: 'room-1', deviceSecret }),
      reconnectPeriod: 0,
    })
    t.after(() => client.endAsync(true))
    const post = JSON.stringify({ id: '1', params: { temperature: 21.5 } })
    const topic = `/sys/${productKey}/room-1/thing/event/property/post`
    await client.publishAsync(topic, post, { qos: 1 })
    assert.match((await lines.next()).value as string, /^room-1 \{.*temperature.*21\.5/)
  })

  it('names two commands, and CI runs the one for the tests', () => {
    const named = blocks('').map(({ text }) => text.trim())
    assert.ok(named.includes('npm ci && npm start') && named.includes('npm ci && npm test'))
    assert.match(readFileSync(join(ROOT, '.ci', 'run'), 'utf8'), /^npm ci && npm test$/m)
  })
})
