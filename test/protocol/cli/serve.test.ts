import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { PlatformError } from '../../../core/domain/errors.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { FakePlatform, LISTENERS, RunningProgram } from './serve-house.ts'

const BANNER = /LISTENER/
const OTHER_PID = 1

describe('tidegate serve', () => {
  it('prints endpoints and credentials, drains at a signal, and ends with 0', async () => {
    const platform = new FakePlatform()
    const run = new RunningProgram(['serve'], () => Promise.resolve(platform))
    await run.said(BANNER)
    assert.match(run.out, /auto:\/\/127\.0\.0\.1:41883 +alibaba +device/)
    assert.match(run.out, /ws:\/\/\[::\]:48083 +plain +password/)
    assert.match(run.out, /administrator key +ak1\.secret/)
    assert.match(run.out, /CA certificate +\/data\/tls\/ca\.crt/)
    assert.doesNotMatch(run.out, /demo/)
    run.signal('SIGTERM')
    await run.done
    assert.match(run.err, /Stopped\.\n$/)
    assert.deepEqual([platform.closed, run.code, run.exitedNow], [1, 0, undefined])
    assert.equal(run.listening, 0)
  })

  it('does not speak of a key that the operator has taken away', async () => {
    const platform = new FakePlatform()
    platform.key = undefined
    const run = new RunningProgram(['serve'], () => Promise.resolve(platform))
    await run.said(BANNER)
    assert.doesNotMatch(run.out, /administrator key|admin\.key/)
    run.signal()
    await run.done
  })

  it('shows a command that a shell reads as the demo device signed by its secret', async () => {
    const run = new RunningProgram(['serve', '--demo', '--data', "/tmp/it's here"])
    await run.said(/See what arrived/)
    run.signal()
    await run.done
    const secret = /device secret +(\w+)/.exec(run.out)?.[1] ?? ''
    const key = /demo product key +(\w+)/.exec(run.out)?.[1] ?? ''
    const report = /^ +mosquitto_pub (.*)$/m.exec(run.out)?.[1] ?? ''
    const words = shellWords(report)
    const option = (name: string): string | undefined => words[words.indexOf(name) + 1]
    const signed = `clientIddevice001deviceNamedevice001productKey${key}`
    assert.deepEqual(['-h', '-p', '-i', '-u', '-P', '-t'].map(option), [
      '127.0.0.1',
      '41883',
      'device001|securemode=3,signmethod=hmacsha256|',
      `device001&${key}`,
      createHmac('sha256', secret).update(signed).digest('hex'),
      `/sys/${key}/device001/thing/event/property/post`,
    ])
    assert.deepEqual(JSON.parse(option('-m') ?? '').params, { temperature: 21.5 })
    const look = /^ +node dist\/main\.js (.*)$/m.exec(run.out)?.[1] ?? ''
    assert.deepEqual(shellWords(look), [
      'properties',
      'get',
      key,
      'device001',
      '--url',
      'http://127.0.0.1:48080',
      '--data',
      "/tmp/it's here",
    ])
  })

  it('writes the ready file last, whole and for its owner only, and takes it back', async (t) => {
    const directory = temporaryDirectory(t)
    const path = join(directory, 'ready.json')
    const run = new RunningProgram(['serve', '--demo', '--ready-file', path])
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(readdirSync(directory), ['ready.json'])
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const { demo, listeners, ...ready } = JSON.parse(readFileSync(path, 'utf8'))
    assert.deepEqual(ready, {
      pid: process.pid,
      api: { url: 'http://127.0.0.1:48080', key: 'ak1.secret' },
      caFile: '/data/tls/ca.crt',
    })
    assert.deepEqual(
      listeners,
      LISTENERS.map(({ url, protocol, profile, port }) => ({ url, protocol, profile, port })),
    )
    assert.deepEqual(Object.keys(demo), ['productKey', 'deviceName', 'deviceSecret'])
    run.signal()
    await run.done
    assert.equal(existsSync(path), false)
  })

  it("leaves another process's ready file alone when it ends", async (t) => {
    const path = join(temporaryDirectory(t), 'ready.json')
    const run = new RunningProgram(['serve', '--ready-file', path])
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve))
    writeFileSync(path, JSON.stringify({ pid: OTHER_PID }))
    run.signal()
    await run.done
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).pid, OTHER_PID)
  })

  it('closes the platform and fails where the ready file cannot be written', async (t) => {
    const platform = new FakePlatform()
    const path = join(temporaryDirectory(t), 'missing', 'ready.json')
    const open = (): Promise<FakePlatform> => Promise.resolve(platform)
    const run = new RunningProgram(['serve', '--ready-file', path], open)
    await run.done
    assert.deepEqual([platform.closed, run.code], [1, 1])
    assert.match(run.err, /ENOENT.*ready\.json/)
  })

  it('tells a failed start in one line, with the code and the next step', async () => {
    const failures: readonly [Error, RegExp][] = [
      [
        new PlatformError('data.locked', '/data is in use by process 7'),
        /7; stop that process, or name another directory with --data \[data\.locked\]$/,
      ],
      [
        new PlatformError('listener.in-use', 'port 1883 is taken; use\nanother'),
        /taken; use; another \[listener\.in-use\]$/,
      ],
      [
        Object.assign(new Error('x'), { code: 'EADDRINUSE', port: 8080 }),
        /port 8080 is in use by another process; .*--listen/,
      ],
      [Object.assign(new Error('x'), { code: 'EACCES', path: '/data' }), /\/data: no permission/],
    ]
    for (const [error, line] of failures) {
      const run = new RunningProgram(['serve', '--log-level', 'error'], () => Promise.reject(error))
      await run.done
      assert.equal(run.code, 1)
      assert.match(run.err.trimEnd(), line)
      assert.equal(run.err.split('\n').length, 2, run.err)
      assert.equal(run.out, '')
    }
  })

  it('shows the stack of a failed start to who asked for debug', async () => {
    const open = (): Promise<never> => Promise.reject(new Error('broken'))
    const run = new RunningProgram(['serve', '--log-level', 'debug'], open)
    await run.done
    assert.match(run.err, /serve\.test\.[jt]s/)
  })

  it('drains where the signal came before the platform was open', async () => {
    const platform = new FakePlatform()
    let opened: (platform: FakePlatform) => void = () => {}
    const run = new RunningProgram(['serve'], () => new Promise((resolve) => (opened = resolve)))
    while (run.opened === undefined) await new Promise((resolve) => setImmediate(resolve))
    run.signal()
    opened(platform)
    await run.done
    assert.deepEqual([platform.closed, run.code, run.exitedNow], [1, 0, undefined])
  })

  it('ends at once at the second signal', async () => {
    const platform = new FakePlatform()
    let closed: () => void = () => {}
    platform.close = () => new Promise((resolve) => (closed = resolve))
    const run = new RunningProgram(['serve'], () => Promise.resolve(platform))
    await run.said(BANNER)
    run.signal()
    await run.said(/Stopping/)
    assert.equal(run.exitedNow, undefined)
    run.signal()
    assert.equal(run.exitedNow, 130)
    closed()
    await run.done
  })

  it('drains and fails where the platform fails', async () => {
    const platform = new FakePlatform()
    const run = new RunningProgram(['serve'], () => Promise.resolve(platform))
    await run.said(BANNER)
    platform.fail(new PlatformError('thread.failed', 'the thread shard-0 ended'))
    await run.done
    assert.match(run.err, /the thread shard-0 ended \[thread\.failed\]/)
    assert.deepEqual([platform.closed, run.code], [1, 1])
  })

  it('hands on settings of file, environment and flags, and the key of secrets beside them', async (t) => {
    const config = join(temporaryDirectory(t), 'c.json')
    writeFileSync(config, '{"limits": {"inflight": 7, "subscriptions": 8}}')
    const args = ['serve', '--config', config, '--tls-name', 'a', '--tls-name', 'b']
    const listen = ['--listen', 'http://127.0.0.1:0', '--set', 'limits.inflight=9']
    const env = { TIDEGATE_DURABILITY: 'flush', TIDEGATE_SECRET_KEY: 'k' }
    const run = new RunningProgram([...args, ...listen], undefined, env)
    await run.said(BANNER)
    run.signal()
    await run.done
    const { settings, secretKey } = run.opened ?? {}
    assert.deepEqual([settings?.limits.inflight, settings?.limits.subscriptions], [9, 8])
    assert.deepEqual([settings?.tls.names, settings?.durability], [['a', 'b'], 'flush'])
    assert.deepEqual(
      settings?.listeners.map(({ url }) => url),
      ['http://127.0.0.1:0'],
    )
    assert.equal(secretKey, 'k')
  })

  it('opens nothing with settings that do not hold', async () => {
    const run = new RunningProgram(['serve', '--durability', 'comit'])
    await run.done
    assert.deepEqual([run.code, run.opened], [2, undefined])
    assert.match(run.err, /^tidegate: --durability: .*did you mean commit\?/)
    const byEnvironment = new RunningProgram(['serve'], undefined, { TIDEGATE_SHARDS: '99' })
    await byEnvironment.done
    assert.equal(byEnvironment.code, 1)
  })

  it('refuses an anonymous listener beyond loopback without the switch', async () => {
    const listen = ['serve', '--listen', 'auto://0.0.0.0:0?profile=plain&auth=anonymous']
    const refused = new RunningProgram(listen)
    await refused.done
    assert.deepEqual([refused.code, refused.opened], [2, undefined])
    const allowed = new RunningProgram([...listen, '--allow-anonymous-remote'])
    await allowed.said(BANNER)
    allowed.signal()
    await allowed.done
    assert.equal(allowed.code, 0)
  })

  it('shows a live line where a person watches', async () => {
    const run = new RunningProgram(['serve'], undefined, {}, true)
    await run.said(/devices online/)
    run.signal()
    await run.done
    assert.match(run.err, /0 of 2,000 devices online {2}0 msg\/s in, 0 out {2}lag 0\.0 ms/)
    assert.doesNotMatch(run.out, /devices online/)
  })
})

describe('the program', () => {
  it('ends with 2 where the command line is wrong, and suggests', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['serv'], /unknown command 'serv'[^]*serve/],
      [['serve', '--dmeo'], /unknown option '--dmeo'[^]*--demo/],
      [['serve', '--data'], /argument missing/],
      [['serve', '--set', 'shards'], /--set: "shards" is not key=value/],
      [[], /Usage: tidegate/],
    ]
    for (const [args, message] of cases) {
      const run = new RunningProgram(args)
      await run.done
      assert.equal(run.code, 2, args.join(' '))
      assert.match(run.err, message)
      assert.equal(run.out, '')
    }
  })

  it('shows help and version on stdout, with 0', async () => {
    for (const [args, text] of [
      [['--version'], /^9\.8\.7\n$/],
      [['--help'], /serve[^]*config[^]*simulate/],
      [
        ['serve', '--help'],
        /--listen <url>[^]*--ready-file <path>|--ready-file <path>[^]*--listen/,
      ],
    ] as const) {
      const run = new RunningProgram(args)
      await run.done
      assert.match(run.out, text)
      assert.deepEqual([run.code, run.err], [0, ''])
    }
  })
})

/** The words that a POSIX shell makes of a line. */
function shellWords(line: string): readonly string[] {
  const ran = spawnSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
  return ran.stdout.trimEnd().split('\n')
}
