import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  DEFAULT_PORTS,
  defaultListeners,
  formatListenerUrl,
  isAnonymousBeyondLoopback,
  isLoopback,
  LISTENER_PROTOCOLS,
  type ListenerParse,
  parseListenerUrl,
} from '../../../core/domain/listener-url.ts'
import type { ListenerSpec } from '../../../core/domain/settings.ts'

function parse(url: string, hookAllowed = false): ListenerParse {
  return parseListenerUrl(url, { hookAllowed })
}

function spec(url: string): ListenerSpec {
  const parsed = parse(url)
  assert.equal(parsed.kind, 'ok', url)
  return (parsed as ListenerParse & { kind: 'ok' }).spec
}

/** Message and suggestion of what is wrong with a URL. */
function faultOf(url: string): string {
  const parsed = parse(url)
  assert.equal(parsed.kind, 'fault', url)
  const { message, suggestion } = parsed as ListenerParse & { kind: 'fault' }
  return suggestion === undefined ? message : `${message} → ${suggestion}`
}

describe('parseListenerUrl', () => {
  it('reads every part', () => {
    assert.deepEqual(spec('mqtts://[::1]:0?profile=plain&auth=anonymous'), {
      url: 'mqtts://[::1]:0?profile=plain&auth=anonymous',
      protocol: 'mqtts',
      host: '::1',
      port: 0,
      profile: 'plain',
      auth: 'anonymous',
      optional: false,
    })
  })

  it('takes devices of the alibaba profile where nothing is said, access keys on a plain one', () => {
    const { profile, auth } = spec('auto://127.0.0.1')
    assert.deepEqual([profile, auth], ['alibaba', 'device'])
    assert.equal(spec('mqtt://127.0.0.1?profile=plain').auth, 'password')
  })

  it('knows the port of every scheme', () => {
    for (const protocol of LISTENER_PROTOCOLS) {
      assert.equal(spec(`${protocol}://localhost/`).port, DEFAULT_PORTS[protocol])
    }
  })

  it('says what is wrong, and what was probably meant', () => {
    assert.match(faultOf('1883'), /not a listener URL → auto:/)
    assert.match(faultOf('mqqt://127.0.0.1:1883'), /unknown scheme "mqqt".* → mqtt$/)
    assert.match(faultOf('auto://127.0.0.1:65536'), /port "65536" is not a number from 0/)
    assert.match(faultOf('auto://127.0.0.1:'), /port "" is not/)
    assert.match(faultOf('auto://127.0.0.1:1e3'), /port "1e3" is not/)
    assert.match(faultOf('auto://:1883'), /names no address.*0\.0\.0\.0/)
    assert.match(faultOf('auto://*:1883'), /names no address/)
    assert.match(faultOf('auto://::1'), /in brackets → \[::1\]/)
    assert.match(faultOf('auto://a b:1'), /"a b" is not an address/)
    assert.match(faultOf('auto://me:pw@127.0.0.1'), /no user name/)
    assert.match(faultOf('ws://127.0.0.1:1/mqtt'), /any path is served/)
    assert.match(
      faultOf('auto://127.0.0.1?profil=plain'),
      /unknown parameter "profil".* → profile$/,
    )
    assert.match(faultOf('auto://127.0.0.1?profile=plan'), /unknown profile "plan".* → plain$/)
    assert.match(faultOf('auto://127.0.0.1?auth=devise'), /unknown auth "devise".* → device$/)
    assert.match(faultOf('auto://127.0.0.1?auth=device&auth=password'), /given twice/)
    assert.match(faultOf('http://127.0.0.1?profile=plain'), /takes no parameters/)
  })

  it('lets anybody in on the plain profile only', () => {
    assert.match(faultOf('auto://127.0.0.1?auth=anonymous'), /goes with profile=plain only/)
  })

  it('leaves hooks to programs that can bring one', () => {
    const url = 'auto://127.0.0.1?profile=plain&auth=hook'
    assert.match(faultOf(url), /programs that embed/)
    assert.equal(parse(url, true).kind, 'ok')
  })

  it('reads back what formatListenerUrl writes', () => {
    const listeners = fc.record({
      protocol: fc.constantFrom(...LISTENER_PROTOCOLS.filter((one) => one !== 'http')),
      host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('localhost', 'broker-1.example')),
      port: fc.integer({ min: 0, max: 65_535 }),
      access: fc.constantFrom(
        { profile: 'alibaba', auth: 'device' } as const,
        { profile: 'alibaba', auth: 'password' } as const,
        { profile: 'plain', auth: 'device' } as const,
        { profile: 'plain', auth: 'password' } as const,
        { profile: 'plain', auth: 'anonymous' } as const,
      ),
    })
    fc.assert(
      fc.property(listeners, ({ access, ...address }) => {
        const listener = { ...address, ...access }
        const { url: _, optional: __, ...read } = spec(formatListenerUrl(listener))
        assert.deepEqual(read, listener)
      }),
    )
  })
})

describe('defaultListeners', () => {
  it('are on loopback only, and may lack IPv6', () => {
    const listeners = defaultListeners()
    assert.deepEqual(
      listeners.filter(({ host }) => host === '127.0.0.1').map(({ url }) => url),
      [
        'auto://127.0.0.1:1883',
        'mqtts://127.0.0.1:8883',
        'ws://127.0.0.1:8083',
        'wss://127.0.0.1:8084',
        'http://127.0.0.1:8080',
      ],
    )
    for (const listener of listeners) {
      assert.ok(isLoopback(listener.host), listener.url)
      assert.equal(listener.optional, listener.host === '::1')
      assert.deepEqual(spec(listener.url), { ...listener, optional: false })
    }
  })
})

describe('isLoopback', () => {
  it('knows the addresses that stay on the machine', () => {
    for (const host of [
      '127.0.0.1',
      '127.8.9.1',
      '::1',
      '[::1]',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      'localhost',
      'LOCALHOST',
    ]) {
      assert.ok(isLoopback(host), host)
    }
  })

  it('takes everything else for reachable', () => {
    for (const host of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '128.0.0.1',
      '::11',
      'fe80::1',
      '2001:db8::1',
      '127.example',
      '127.0.0.1.example',
      'localhost.example',
      '1',
      '',
    ]) {
      assert.ok(!isLoopback(host), host)
    }
  })

  it('decides which anonymous listener is a danger', () => {
    const plain = 'profile=plain&auth=anonymous'
    assert.ok(isAnonymousBeyondLoopback(spec(`mqtt://0.0.0.0?${plain}`)))
    assert.ok(!isAnonymousBeyondLoopback(spec(`mqtt://127.0.0.1?${plain}`)))
    assert.ok(!isAnonymousBeyondLoopback(spec('mqtt://0.0.0.0')))
  })
})
