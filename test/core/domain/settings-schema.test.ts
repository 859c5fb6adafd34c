import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PlatformError } from '../../../core/domain/errors.ts'
import { environmentName, readSettingValue } from '../../../core/domain/setting.ts'
import type { Settings } from '../../../core/domain/settings.ts'
import {
  deriveSettings,
  formatFault,
  resolveSettings,
  type SettingSources,
} from '../../../core/domain/settings-schema.ts'
import { SETTING_KEYS, SETTINGS } from '../../../core/domain/settings-table.ts'

function resolved(sources: SettingSources): Settings {
  const resolution = resolveSettings(sources)
  assert.equal(resolution.kind, 'ok', JSON.stringify(resolution))
  return (resolution as typeof resolution & { kind: 'ok' }).settings
}

/** Every fault as a line. */
function faults(sources: SettingSources): readonly string[] {
  const resolution = resolveSettings(sources)
  assert.equal(resolution.kind, 'invalid')
  return (resolution as typeof resolution & { kind: 'invalid' }).faults.map(formatFault)
}

function file(content: unknown): SettingSources {
  return { file: { name: 'tidegate.yaml', content } }
}

function flag(name: string, key: string, ...values: string[]): SettingSources {
  return { flags: [{ name, key, values }] }
}

describe('the table of settings', () => {
  it('has defaults that its own types allow', () => {
    for (const key of SETTING_KEYS) {
      const { type, initial } = SETTINGS[key]
      if (initial === undefined) continue
      assert.equal(readSettingValue(type, initial, { fromProgram: true }).kind, 'ok', key)
    }
  })

  it('gives every setting a name in the environment of its own', () => {
    assert.equal(environmentName('limits.packetBytes'), 'TIDEGATE_LIMITS_PACKET_BYTES')
    assert.equal(new Set(SETTING_KEYS.map(environmentName)).size, SETTING_KEYS.length)
  })

  it('tells a meaning for every setting, as a sentence', () => {
    for (const key of SETTING_KEYS) assert.match(SETTINGS[key].meaning, /^[A-Z].{20,}\.$/, key)
  })
})

describe('resolveSettings', () => {
  it('gives the defaults where nobody says anything, and says that they are', () => {
    const resolution = resolveSettings({})
    assert.ok(resolution.kind === 'ok')
    assert.equal(resolution.settings.data, './data')
    assert.equal(resolution.settings.durability, 'commit')
    assert.equal(resolution.settings.limits.packetBytes, 262_144)
    assert.equal(resolution.settings.tls.certFile, undefined)
    assert.equal(resolution.origins['limits.packetBytes'].kind, 'default')
  })

  it('lets flags beat the environment, that the file, and that the defaults', () => {
    const ranks = fc.subarray(['file', 'environment', 'flag'] as const)
    fc.assert(
      fc.property(ranks, (given) => {
        const has = (kind: (typeof given)[number]): boolean => given.includes(kind)
        const resolution = resolveSettings({
          ...(has('file') ? file({ limits: { inflight: 11 } }) : {}),
          ...(has('environment') ? { environment: { TIDEGATE_LIMITS_INFLIGHT: '12' } } : {}),
          ...(has('flag') ? flag('--set', 'limits.inflight', '13') : {}),
        })
        assert.ok(resolution.kind === 'ok')
        const expected = has('flag') ? 13 : has('environment') ? 12 : has('file') ? 11 : 128
        assert.equal(resolution.settings.limits.inflight, expected)
        assert.equal(resolution.origins['limits.inflight'].kind, given.at(-1) ?? 'default')
      }),
    )
  })

  it('replaces the default listeners by any that is named', () => {
    const settings = resolved(flag('--listen', 'listeners', 'mqtt://127.0.0.1:0', 'http://[::1]:0'))
    assert.deepEqual(
      settings.listeners.map(({ url }) => url),
      ['mqtt://127.0.0.1:0', 'http://[::1]:0'],
    )
  })

  it('reads lists from the environment by comma or blank', () => {
    const environment = { TIDEGATE_TLS_NAMES: 'a.example, 10.0.0.7' }
    assert.deepEqual(resolved({ environment }).tls.names, ['a.example', '10.0.0.7'])
  })

  it('reads switches in the words that people use', () => {
    for (const [text, expected] of [
      ['true', true],
      ['1', true],
      ['ON', true],
      ['no', false],
    ] as const) {
      const environment = { TIDEGATE_STRICT_SECURE_MODE: text }
      assert.equal(resolved({ environment }).strictSecureMode, expected)
    }
  })

  it('takes unknown keys for errors, wherever they are, and says what was meant', () => {
    assert.deepEqual(faults(file({ limits: { packetByte: 1 }, durabilty: 'commit' })), [
      'tidegate.yaml: limits.packetByte: unknown setting (did you mean limits.packetBytes?)',
      'tidegate.yaml: durabilty: unknown setting (did you mean durability?)',
    ])
    assert.deepEqual(faults(file({ packetBytes: 1 })), [
      'tidegate.yaml: packetBytes: unknown setting (did you mean limits.packetBytes?)',
    ])
    assert.deepEqual(faults({ environment: { TIDEGATE_SHARD: '1' } }), [
      'TIDEGATE_SHARD: unknown setting (did you mean TIDEGATE_SHARDS?)',
    ])
    assert.deepEqual(faults(flag('--set', 'limits.inflght', '3')), [
      '--set: limits.inflght: unknown setting (did you mean limits.inflight?)',
    ])
  })

  it('is not fooled by names that every object has', () => {
    const content = JSON.parse('{"__proto__": {"data": "x"}, "constructor": 1, "toString": 2}')
    assert.equal(faults(file(content)).length, 3)
  })

  it('leaves alone what is in the environment for others', () => {
    const environment = {
      TIDEGATE_KEY: 'id.secret',
      TIDEGATE_URL: 'http://127.0.0.1:8080',
      TIDEGATE_SECRET_KEY: 'secret',
      TIDEGATE_PORT: 'tcp://10.0.0.1:1883',
      TIDEGATE_PORT_1883_TCP_ADDR: '10.0.0.1',
      TIDEGATE_SERVICE_HOST: '10.0.0.1',
      OTHER: 'x',
    }
    assert.deepEqual(resolved({ environment }), resolved({}))
  })

  it('holds every value against its type and range', () => {
    assert.deepEqual(
      faults(
        file({
          data: '',
          durability: 'comit',
          strictSecureMode: 'true',
          limits: { packetBytes: 1023, inflight: 1.5, queueMessages: '7' },
          tls: { names: ['a b'] },
          log: 3,
        }),
      ),
      [
        'tidegate.yaml: data: "" is not a text',
        'tidegate.yaml: durability: "comit" is not one of flush, commit, relaxed (did you mean commit?)',
        'tidegate.yaml: strictSecureMode: "true" is neither true nor false',
        'tidegate.yaml: limits.packetBytes: 1023: must be from 1024 to 8000000',
        'tidegate.yaml: limits.inflight: 1.5 is not a whole number',
        'tidegate.yaml: limits.queueMessages: "7" is not a whole number',
        'tidegate.yaml: tls.names: "a b" is not a host name or address',
        'tidegate.yaml: log: is a group of settings, not a setting',
      ],
    )
  })

  it('bounds the shards', () => {
    assert.deepEqual(faults(flag('--shards', 'shards', '65')), [
      '--shards: 65: must be from 1 to 64',
    ])
  })

  it('takes an empty file and an empty group for silence', () => {
    assert.deepEqual(resolved(file(null)), resolved({}))
    assert.deepEqual(resolved(file({ limits: null })), resolved({}))
    assert.equal(faults(file('data')).length, 1)
  })

  it('refuses two listeners on one port, and none at all', () => {
    const twice = flag('--listen', 'listeners', 'mqtt://127.0.0.1:1', 'ws://127.0.0.1:1')
    assert.match(faults(twice)[0] ?? '', /another listener has this port/)
    const free = flag('--listen', 'listeners', 'mqtt://127.0.0.1:0', 'ws://127.0.0.1:0')
    assert.equal(resolved(free).listeners.length, 2)
    assert.match(faults(file({ listeners: [] }))[0] ?? '', /names no listener/)
  })

  it('asks for a certificate and its key together', () => {
    assert.match(faults(file({ tls: { certFile: 'a' } }))[0] ?? '', /certFile: needs tls.keyFile/)
    assert.match(faults(file({ tls: { keyFile: 'a' } }))[0] ?? '', /keyFile: needs tls.certFile/)
    assert.equal(resolved(file({ tls: { certFile: 'a', keyFile: 'b' } })).tls.keyFile, 'b')
  })

  it('refuses an anonymous listener beyond loopback until it is allowed', () => {
    const url = 'auto://0.0.0.0:1883?profile=plain&auth=anonymous'
    const refused = resolveSettings(flag('--listen', 'listeners', url))
    assert.ok(refused.kind === 'invalid')
    assert.equal(refused.faults[0].code, 'listener.anonymous')
    assert.match(formatFault(refused.faults[0]), /--allow-anonymous-remote/)
    const allowed = file({ listeners: [url], allowAnonymousRemote: true })
    assert.equal(resolved(allowed).listeners[0]?.auth, 'anonymous')
    const near = 'auto://127.0.0.1:1883?profile=plain&auth=anonymous'
    assert.equal(resolved(file({ listeners: [near] })).listeners.length, 1)
  })
})

describe('deriveSettings', () => {
  it('fills what a program leaves out, hooks allowed', () => {
    const settings = deriveSettings({
      listeners: ['mqtt://127.0.0.1:0?profile=plain&auth=hook'],
      limits: { inflight: 5 },
    })
    assert.equal(settings.limits.inflight, 5)
    assert.equal(settings.limits.connections, 100_000)
    assert.equal(settings.listeners[0]?.auth, 'hook')
  })

  it('takes settings that are complete already as they are', () => {
    const settings = resolved({})
    assert.deepEqual(deriveSettings(settings), settings)
  })

  it('throws with every fault', () => {
    const wrong = { durability: 'never', limits: { inflight: 0 } } as object
    assert.throws(
      () => deriveSettings(wrong),
      (error) =>
        error instanceof PlatformError &&
        error.code === 'config.invalid' &&
        /durability.*\n.*limits.inflight/.test(error.message),
    )
    assert.throws(
      () => deriveSettings({ listeners: ['mqtt://[::]?profile=plain&auth=anonymous'] }),
      {
        code: 'listener.anonymous',
      },
    )
  })
})
