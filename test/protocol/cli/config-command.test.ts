import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { temporaryDirectory } from '../../support/temporary.ts'
import { RunningProgram } from './serve-house.ts'

type Environment = Readonly<Record<string, string>>

async function config(args: readonly string[], env: Environment = {}): Promise<RunningProgram> {
  const run = new RunningProgram(['config', ...args], undefined, env)
  await run.done
  return run
}

function file(t: TestContext, text: string): string {
  const path = join(temporaryDirectory(t), 'tidegate.yaml')
  writeFileSync(path, text)
  return path
}

describe('tidegate config print', () => {
  it('prints what is in force and where it comes from', async (t) => {
    const path = file(t, 'durability: flush\nlimits: { inflight: 3 }\n')
    const args = ['print', '--config', path, '--log-level', 'warn', '--tls-name', 'a.example']
    const { out, code } = await config(args, { TIDEGATE_LIMITS_INFLIGHT: '5' })
    assert.equal(code, 0)
    assert.ok(out.includes(`durability: flush # ${path}\n`), out)
    assert.match(out, /^ {2}inflight: 5 # TIDEGATE_LIMITS_INFLIGHT$/m)
    assert.match(out, /^logLevel: warn # --log-level$/m)
    assert.match(out, /^ {2}names:\n {4}# --tls-name\n {4}- a\.example$/m)
    assert.match(out, /^listeners:\n {2}# default\n {2}- auto:\/\/127\.0\.0\.1:1883$/m)
  })

  it('prints a file that says the same again, as YAML and as JSON', async (t) => {
    const args = ['--listen', 'mqtt://[::1]:0?profile=plain', '--set', 'limits.queueMessages=17']
    for (const format of [[], ['--json']]) {
      const first = await config(['print', ...format, ...args])
      const path = file(t, first.out)
      const again = await config(['print', '--json', '--config', path])
      assert.equal(again.code, 0, again.err)
      assert.equal(again.out, (await config(['print', '--json', ...args])).out)
    }
  })
})

describe('tidegate config check', () => {
  it('finds every fault of file and environment, with 1', async (t) => {
    const path = file(t, 'limits:\n  packetByte: 4\nshards: 65\n')
    const { err, out, code } = await config(['check', '--config', path], { TIDEGATE_DATA: '' })
    assert.deepEqual([code, out], [1, ''])
    assert.equal(err.trimEnd().split('\n').length, 3)
    assert.match(err, /tidegate\.yaml: limits\.packetByte: .*did you mean limits\.packetBytes\?/)
    assert.match(err, /TIDEGATE_DATA: "" is not a text/)
  })

  it('ends with 2 where a flag is wrong', async () => {
    assert.equal((await config(['check', '--shards', 'two'])).code, 2)
  })

  it('says where a file is no YAML, too large, or not there', async (t) => {
    const broken = await config(['check', '--config', file(t, 'a: [1\nb: 2\n')])
    assert.equal(broken.code, 1)
    assert.match(broken.err, /^tidegate: .*tidegate\.yaml: .* at line 2, column 1\n$/)
    const twice = await config(['check', '--config', file(t, 'shards: 1\nshards: 1\n')])
    assert.match(twice.err, /unique at line 2/)
    const large = await config(['check', '--config', file(t, '#'.repeat(1_048_577))])
    assert.match(large.err, /larger than 1048576 bytes/)
    const missing = await config(['check', '--config', join(temporaryDirectory(t), 'x.yaml')])
    assert.deepEqual([missing.code, /there is no such file/.test(missing.err)], [1, true])
  })

  it('does not unfold a file of aliases', async (t) => {
    const levels = Array.from(
      { length: 20 },
      (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`,
    )
    const path = file(t, ['a0: &a0 [1]', ...levels].join('\n'))
    const { code, err } = await config(['check', '--config', path])
    assert.equal(code, 1)
    assert.match(err, /alias/)
  })

  it('is content with nothing', async () => {
    const { code, out } = await config(['check'])
    assert.deepEqual([code, out], [0, 'The settings are valid.\n'])
  })
})

describe('tidegate config explain', () => {
  it('tells all of one setting', async () => {
    const { out } = await config(['explain', 'limits.packetBytes'])
    assert.match(out, /meaning +Largest MQTT packet/)
    assert.match(out, /default +262144/)
    assert.match(out, /environment +TIDEGATE_LIMITS_PACKET_BYTES/)
  })

  it('lists a group, and everything for programs', async () => {
    const group = await config(['explain', 'tls'])
    assert.match(group.out, /tls\.certFile[^]*tls\.minVersion/)
    assert.doesNotMatch(group.out, /limits/)
    const all = JSON.parse((await config(['explain', '--json'])).out) as { setting: string }[]
    assert.ok(all.some(({ setting }) => setting === 'durability'))
  })

  it('suggests where there is no such setting', async () => {
    const { err, code } = await config(['explain', 'limts'])
    assert.equal(code, 2)
    assert.match(err, /no setting "limts"\. Did you mean limits\?/)
  })
})
