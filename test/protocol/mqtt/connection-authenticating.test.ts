/** Extended authentication (§4.12) through a connection: challenges, renewals, and what breaks them off. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IAuthPacket, Packet } from 'mqtt-packet'
import {
  type AuthenticationDecision,
  type AuthenticationStep,
  loginFor,
} from '../../../protocol/mqtt/login.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { packet } from './packet-bytes.ts'
import { publish } from './packets.ts'

const METHOD = 'DOUBLE'
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Asks twice for the double of a number. */
function house() {
  const broker = new MemoryBroker()
  const steps: AuthenticationStep[] = []
  const decide = (step: AuthenticationStep): AuthenticationDecision => {
    const said = Buffer.from(step.data ?? '').toString()
    const once = { publish: [], subscribe: [] }
    if (step.method !== 'ONCE' && step.method !== METHOD) return { kind: 'unknown-method' }
    if (said === 'bad') return undefined
    if (said === 'throw') throw new Error('no')
    if (said === 'long') return { kind: 'continue', data: Buffer.alloc(100) }
    if (said === 'end') return { kind: 'granted', policy: once, data: Buffer.alloc(100) }
    if (step.method === 'ONCE') return { kind: 'granted', policy: once }
    if (step.round <= 2) return { kind: 'continue', data: Buffer.from(`${step.round}?`) }
    const policy = { publish: [step.renews ? 'renewed' : 'first'], subscribe: [] }
    return { kind: 'granted', policy, data: Buffer.from('welcome') }
  }
  const login = loginFor('hook', {
    registry: new MemoryRegistry(),
    strictSecureMode: false,
    hook: async () => undefined,
    authenticate: async (step) => {
      steps.push(step)
      return decide(step)
    },
  })
  const connect = async (method = METHOD, maximumPacketSize = 1000): Promise<MemoryClient> => {
    const properties = {
      authenticationMethod: method,
      authenticationData: Buffer.from('hello'),
      maximumPacketSize,
    }
    const client = broker.connect({ protocolVersion: 5, properties }, login)
    await settled(broker)
    return client
  }
  const say = async (
    client: MemoryClient,
    reasonCode: number,
    data: string,
    method = METHOD,
  ): Promise<Packet[]> => {
    client.send(auth(reasonCode, data, method))
    await settled(broker)
    return client.received()
  }
  return { broker, steps, connect, say }
}

async function settled(broker: MemoryBroker): Promise<void> {
  await tick()
  broker.settle()
}

function auth(reasonCode: number, data: string, authenticationMethod = METHOD): IAuthPacket {
  const authenticationData = Buffer.from(data)
  return {
    cmd: 'auth',
    reasonCode,
    properties: { authenticationMethod, authenticationData },
  } as IAuthPacket
}

function words(packets: readonly Packet[]): string[] {
  return packets.map((one) => {
    const { reasonCode, properties } = one as IAuthPacket
    const { authenticationMethod = '', authenticationData = '' } = properties ?? {}
    return `${one.cmd} ${String(reasonCode)} ${authenticationMethod} ${authenticationData.toString()}`.trim()
  })
}

async function joined(of: ReturnType<typeof house>): Promise<MemoryClient> {
  const client = await of.connect()
  client.received()
  await of.say(client, 0x18, 'a')
  await of.say(client, 0x18, 'b')
  return client
}

describe('extended authentication', () => {
  it('goes on as long as the hook asks, and ends in a CONNACK with its last word [MQTT-4.12.0-2] [MQTT-4.12.0-5]', async () => {
    const of = house()
    const client = await of.connect()
    assert.deepEqual(words(client.received()), [`auth 24 ${METHOD} 1?`])
    assert.deepEqual(words(await of.say(client, 0x18, 'a')), [`auth 24 ${METHOD} 2?`])
    assert.deepEqual(words(await of.say(client, 0x18, 'b')), [`connack 0 ${METHOD} welcome`])
    assert.deepEqual(
      of.steps.map(
        ({ round, renews, data }) => `${round} ${renews} ${Buffer.from(data ?? '').toString()}`,
      ),
      ['1 false hello', '2 false a', '3 false b'],
    )
    assert.equal(new Set(of.steps.map(({ exchange }) => exchange)).size, 1)
    client.send(publish('first', '', 1, 1), publish('other', '', 1, 2))
    assert.deepEqual(client.heard(), ['puback 1 16', 'puback 2 135'])
  })

  it('is refused with the code of its cause [MQTT-4.12.0-1] [MQTT-4.12.0-4]', async () => {
    for (const [method, data, code] of [
      ['OTHER', undefined, 0x8c],
      [METHOD, 'bad', 0x87],
      [METHOD, 'throw', 0x88],
    ] as const) {
      const of = house()
      const client = await of.connect(method)
      const heard =
        data === undefined
          ? client.received()
          : (client.received(), await of.say(client, 0x18, data))
      assert.deepEqual([words(heard)[0]?.split(' ')[1], client.gone], [`${code}`, true], method)
    }
    const broker = new MemoryBroker()
    const anonymous = loginFor('anonymous', {
      registry: new MemoryRegistry(),
      strictSecureMode: false,
      hook: undefined,
      authenticate: undefined,
    })
    const client = broker.connect(
      { protocolVersion: 5, properties: { authenticationMethod: METHOD } },
      anonymous,
    )
    assert.deepEqual(client.heard(), ['connack 140'])
  })

  it('ends with anything but its AUTH, and in time [MQTT-3.1.2-30] [MQTT-3.15.1-1] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [MQTT-4.12.1-1]', async () => {
    for (const [bytes, code] of [
      [publish('first', ''), undefined],
      [auth(0x18, 'a', 'OTHER'), undefined],
      [auth(0x19, 'a'), undefined],
      [packet(0xf1, 0x18, 0), undefined],
    ] as const) {
      const of = house()
      const client = await of.connect()
      client.received()
      client.send(bytes)
      assert.deepEqual([client.received().length, client.gone], [code ?? 0, true])
      assert.equal(of.broker.count('connect.accepted'), 0)
    }
    const of = house()
    const slow = await of.connect()
    of.broker.passSeconds(11)
    assert.equal(slow.gone, true)
    assert.equal(of.broker.count('connection.closed.connect-timeout'), 1)
  })

  it('shows the hook what its own client has said, however long it takes to look [MQTT-4.12.0-2]', async () => {
    const broker = new MemoryBroker()
    const seen: string[] = []
    const look = async (...values: readonly (Uint8Array | undefined)[]): Promise<void> => {
      await tick() // other clients are read meanwhile
      for (const value of values) seen.push(Buffer.from(value ?? '').toString())
    }
    const login = loginFor('hook', {
      registry: new MemoryRegistry(),
      strictSecureMode: false,
      hook: async ({ password }) => {
        await look(password)
        return undefined
      },
      authenticate: async ({ password, data, round }) => {
        await look(password, data)
        return round === 1 ? { kind: 'continue' } : undefined
      },
    })
    const password = Buffer.from('secret')
    broker.connect({ username: 'me', password }, login)
    await tick()
    const authenticationData = Buffer.from('hello')
    const properties = { authenticationMethod: METHOD, authenticationData }
    const client = broker.connect(
      { protocolVersion: 5, username: 'me', password, properties },
      login,
    )
    for (let i = 0; i < 3; i++) await settled(broker)
    client.send(auth(0x18, 'answer'))
    for (let i = 0; i < 3; i++) await settled(broker)
    assert.deepEqual(seen, ['secret', 'secret', 'hello', 'secret', 'answer'])
  })

  it('says nothing that is larger than the client takes, and closes instead [MQTT-3.1.2-24]', async () => {
    const of = house()
    const closed = (): number => of.broker.count('connection.closed.client-packet-size')
    const opening = await of.connect(METHOD, 60)
    opening.received()
    assert.deepEqual(await of.say(opening, 0x18, 'long'), [])
    assert.deepEqual([opening.gone, closed()], [true, 1])
    for (const said of ['long', 'end']) {
      const renewing = await of.connect('ONCE', 60)
      renewing.received()
      const heard = await of.say(renewing, 0x19, said, 'ONCE')
      assert.deepEqual(words(heard), ['disconnect 149'], said)
    }
    assert.equal(closed(), 3)
    const exact = await of.connect(METHOD, 18) // the AUTH of the first round
    assert.deepEqual([words(exact.received()), exact.gone], [[`auth 24 ${METHOD} 1?`], false])
    const less = await of.connect(METHOD, 17)
    assert.deepEqual([less.received(), less.gone], [[], true])
  })

  it('can be renewed while the client goes on, and gives it its new rights [MQTT-4.12.1-2]', async () => {
    const of = house()
    const client = await joined(of)
    assert.deepEqual(words(await of.say(client, 0x19, 'again')), [`auth 24 ${METHOD} 1?`])
    client.send(publish('first', '', 1, 1))
    assert.deepEqual(client.heard(), ['puback 1 16'])
    await of.say(client, 0x18, 'a')
    assert.deepEqual(words(await of.say(client, 0x18, 'b')), [`auth 0 ${METHOD} welcome`])
    client.send(publish('first', '', 1, 1), publish('renewed', '', 1, 2))
    assert.deepEqual(client.heard(), ['puback 1 135', 'puback 2 16'])
    assert.equal(of.steps.at(-1)?.renews, true)
    await of.say(client, 0x19, 'again')
    const refused = await of.say(client, 0x18, 'bad')
    assert.deepEqual([words(refused)[0]?.startsWith('disconnect 135'), client.gone], [true, true])
  })

  it('may be over in one step, and is renewed in one, too', async () => {
    const of = house()
    const client = await of.connect('ONCE')
    assert.deepEqual(words(client.received()), ['connack 0 ONCE'])
    assert.deepEqual(words(await of.say(client, 0x19, 'again', 'ONCE')), ['auth 0 ONCE'])
  })

  it('is no matter of clients that did not begin with it, nor a second time at once [MQTT-4.12.0-6] [MQTT-4.12.0-7]', async () => {
    const broker = new MemoryBroker()
    for (const protocolVersion of [4, 5] as const) {
      const client = broker.connect({ protocolVersion })
      assert.deepEqual(words(client.received()), [
        protocolVersion === 5 ? 'connack 0' : 'connack undefined',
      ])
      client.send(packet(0xf0, 0x19, 0))
      assert.deepEqual(client.heard(), protocolVersion === 5 ? ['disconnect 130'] : [])
      assert.equal(client.gone, true)
    }
    const of = house()
    const client = await joined(of)
    await of.say(client, 0x19, 'again')
    assert.deepEqual(words(await of.say(client, 0x19, 'twice'))[0]?.split(' ')[1], '130')
  })
})
