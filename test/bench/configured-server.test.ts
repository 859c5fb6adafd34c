import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { configuredServer } from '../../bench/servers/configured-server.ts'
import { type Door, HOST } from '../../bench/servers/server.ts'

/** Listens on the port that its configuration names, as long as it is let. */
const PROGRAM = `#!${process.execPath}
const [flag, file] = process.argv.slice(2)
if (flag === '-V') { console.log('thing version 1.2.3'); process.exit(3) }
const [fs, net] = ['fs', 'net'].map((name) => process.getBuiltinModule(name))
const config = fs.readFileSync(file, 'utf8')
net.createServer().listen(Number(/port (\\d+)/.exec(config)[1]), '${HOST}')
`

describe('configured server', { skip: process.platform === 'win32' && 'scripts' }, () => {
  it('writes the configuration, with a certificate where TLS is asked for, and waits for the port', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-configured-'))
    t.after(() => rm(directory, { recursive: true }))
    const program = join(directory, 'thing-server')
    await writeFile(program, PROGRAM)
    await chmod(program, 0o755)
    const path = process.env['PATH']
    process.env['PATH'] = directory
    t.after(() => {
      process.env['PATH'] = path
    })
    const secured: boolean[] = []
    const server = configuredServer({
      name: 'flashmq',
      program: 'thing-server',
      versionFlag: '-V',
      versionPattern: /version (\S+)/,
      configFlag: '-c',
      config: ({ port, secure }) => {
        secured.push(secure !== undefined)
        return `port ${port}\n`
      },
    })
    assert.equal(server.unavailable(), undefined)
    assert.equal(server.version(), '1.2.3')
    for (const door of ['plain', 'tls'] satisfies Door[]) {
      const running = await server.start({ directory, cpu: undefined, door })
      assert.ok(running.port > 0)
      await running.child.stop()
    }
    assert.deepEqual(secured, [false, true])
  })

  it('is left out with a word where its program is not installed', () => {
    const server = configuredServer({
      name: 'flashmq',
      program: 'no-such-program-anywhere',
      versionFlag: '-V',
      versionPattern: /version (\S+)/,
      configFlag: '-c',
      config: () => '',
    })
    assert.equal(server.unavailable(), 'not installed')
  })
})
