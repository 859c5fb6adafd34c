/** The simulated fleet against a small broker that knows the devices' secrets. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { Aedes, type AuthenticateError } from 'aedes'
import { signIn } from '../../../../protocol/cli/simulate/sign-in.ts'
import type { MemoryRegistry } from '../../../support/memory-registry.ts'
import { type CliHouse, cliHouse } from '../recording-terminal.ts'

interface Broker {
  readonly port: number
  readonly posts: { readonly topic: string; readonly params: Record<string, number> }[]
  /** Cuts every connection. */
  cut(): void
  connects: number
}

describe('simulate', () => {
  it('registers what is missing, connects, reports and counts, then deletes', async (t) => {
    const house = await cliHouse(t)
    const broker = await brokerOf(t, house)
    const { productKey } = house.meter
    const ran = await simulate(house, broker, '5', '--rate', '20', '--duration', '1.5', '--cleanup')
    assert.equal(ran.code, 0, ran.err)
    const summary = JSON.parse(ran.out)
    assert.deepEqual([summary.devices, summary.connected, summary.errors], [5, 5, {}])
    assert.ok(summary.acks >= 20, `${summary.acks} acknowledgements`)
    assert.equal(summary.acks, summary.posts)
    assert.equal(broker.posts.length, summary.posts)
    const topics = new Set(broker.posts.map(({ topic }) => topic))
    assert.equal(topics.size, 5)
    assert.ok(topics.has(`/sys/${productKey}/sim-00005/thing/event/property/post`))
    for (const { params } of broker.posts) {
      const value = params['temperature'] ?? Number.NaN
      assert.ok(value >= 15 && value <= 30)
    }
    assert.match(ran.err, /registered 5 devices/)
    assert.match(ran.err, /deleted 5 devices/)
    assert.equal(house.registry.deviceCount(), 1)
  })

  it('speaks for the devices of an earlier run with the same key', async (t) => {
    const house = await cliHouse(t)
    const broker = await brokerOf(t, house)
    const quick = ['--rate', '20', '--duration', '0.5'] // every device posts, also on a slow machine
    assert.equal((await simulate(house, broker, '2', ...quick)).code, 0)
    const again = await simulate(house, broker, '3', ...quick)
    assert.match(again.err, /registered 1 device\n/)
    assert.equal(JSON.parse(again.out).connected, 3)
  })

  it('tells refused devices apart, does not try them again, and fails', async (t) => {
    const house = await cliHouse(t)
    const broker = await brokerOf(t, house)
    await house.services.devices.register(house.meter.productKey, { deviceName: 'sim-00001' })
    const ran = await simulate(house, broker, '1', '--duration', '3')
    const summary = JSON.parse(ran.out)
    assert.equal(ran.code, 1)
    assert.deepEqual(summary.errors, { 'Connection refused: Not authorized': 1 })
    assert.equal(broker.connects, 1)
    assert.match(ran.err, /registered with another access key/)
  })

  it('connects again after a loss', async (t) => {
    const house = await cliHouse(t)
    const broker = await brokerOf(t, house)
    const running = simulate(house, broker, '2', '--rate', '10', '--duration', '8')
    while (broker.posts.length < 4) await new Promise((resolve) => setTimeout(resolve, 20))
    broker.cut()
    const summary = JSON.parse((await running).out)
    assert.equal(summary.connected, 2)
    assert.equal(summary.errors['connection lost'], 2)
    assert.equal(broker.connects, 4)
  })

  it('refuses a property that is no number of the model, and says which are', async (t) => {
    const house = await cliHouse(t)
    const broker = await brokerOf(t, house)
    const ran = await simulate(house, broker, '1', '--property', 'colour')
    assert.equal(ran.code, 2)
    assert.match(ran.err, /temperature, target/)
    assert.equal((await simulate(house, broker, '0')).code, 2)
    assert.equal((await simulate(house, broker, '100000')).code, 2)
  })
})

function simulate(
  { tidegate, meter }: CliHouse,
  { port }: Broker,
  ...args: readonly string[]
): ReturnType<CliHouse['tidegate']> {
  const where = ['--product', meter.productKey, '--port', String(port), '--json']
  return tidegate('simulate', ...args, ...where)
}

async function brokerOf(t: TestContext, { registry, meter }: CliHouse): Promise<Broker> {
  const sockets = new Set<Socket>()
  const broker: Broker = {
    port: 0,
    posts: [],
    connects: 0,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
  const aedes = await Aedes.createBroker({
    authenticate: (client, username, password, done) => {
      broker.connects += 1
      const good = isSigned(registry, meter.productKey, client.id, username ?? '', password)
      const refusal = Object.assign(new Error('no'), { returnCode: 5 }) as AuthenticateError
      done(good ? null : refusal, good)
    },
  })
  aedes.on('publish', ({ topic, payload }, client) => {
    if (client === null) return
    broker.posts.push({ topic, params: JSON.parse(payload.toString()).params })
  })
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  t.after(async () => {
    server.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(broker, { port: (server.address() as AddressInfo).port })
}

function isSigned(
  registry: MemoryRegistry,
  productKey: string,
  clientId: string,
  username: string,
  password: Readonly<Buffer> | undefined,
): boolean {
  const [deviceName = '', key] = username.split('&')
  const device = registry.device(productKey, deviceName)
  const deviceSecret = device === undefined ? undefined : registry.deviceSecret(device.number)
  if (key !== productKey || deviceSecret === undefined) return false
  const [, timestamp] = /timestamp=(\d+)/.exec(clientId) ?? []
  const expected = signIn({ productKey, deviceName, deviceSecret }, false, Number(timestamp))
  return clientId === expected.clientId && password?.toString() === expected.password
}
