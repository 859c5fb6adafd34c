import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import {
  canSharePorts,
  holdAnyPort,
  listenShared,
  type SharedPort,
  stopListening,
} from '../../../protocol/listeners/shared-port.ts'
import { freePort } from '../../support/free-port.ts'

const HOST = '127.0.0.1'

/** Sockets of one holder of the port, and the connections that came to it. */
async function hold(
  t: TestContext,
  port: number,
): Promise<SharedPort & { readonly accepted: Socket[]; readonly used: Set<Server> }> {
  const accepted: Socket[] = []
  const used = new Set<Server>()
  const shared = await listenShared(HOST, port, () => {
    const server = createServer((socket) => {
      accepted.push(socket)
      used.add(server)
      socket.on('error', () => {})
      socket.on('data', (bytes) => socket.write(bytes))
    })
    return server
  })
  t.after(() => {
    for (const socket of accepted) socket.destroy()
    for (const server of shared.servers) server.close()
  })
  return { ...shared, accepted, used }
}

/** Resolves with the connection once it has its echo; rejects where nobody listens. */
function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port })
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
    socket.write('?')
  })
}

/** Of a listening socket, as Linux tells it in TCP_INFO (`tcpi_sacked`). */
function backlogOf(descriptor: number): number {
  const IPPROTO_TCP = 6
  const TCP_INFO = 11
  const koffi = createRequire(import.meta.url)('koffi') as {
    load(path: string): { func(declaration: string): (...args: unknown[]) => number }
  }
  const getsockopt = koffi.load('libc.so.6').func('int getsockopt(int, int, int, void *, void *)')
  const info = Buffer.alloc(104)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(info.length)
  assert.equal(getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, length), 0)
  return info.readUInt32LE(28)
}

describe('a port that several threads listen on', { skip: !canSharePorts() }, () => {
  it('has the kernel keep as many connections for each socket as it lets us', async (t) => {
    const { descriptors } = await hold(t, await freePort())
    const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))
    const expected = descriptors.map(() => Math.min(4096, most))
    assert.equal(expected.length, 8)
    assert.deepEqual(descriptors.map(backlogOf), expected)
  })

  it('spreads connections over all sockets of all its holders', async (t) => {
    const port = await freePort()
    const [one, two] = [await hold(t, port), await hold(t, port)]
    assert.equal(one.servers.length, 8)
    const sockets = await Promise.all(Array.from({ length: 400 }, () => connected(port)))
    t.after(() => sockets.forEach((socket) => socket.destroy()))
    assert.equal(one.accepted.length + two.accepted.length, 400)
    for (const { accepted, used } of [one, two]) {
      assert.ok(accepted.length > 100, `${accepted.length} of 400 came to one`)
      assert.equal(used.size, 8)
    }
  })

  it('goes on with the others when one holder is taken out from outside; open connections stay', async (t) => {
    const port = await freePort()
    const [still, other] = [await hold(t, port), await hold(t, port)]
    let first = await connected(port)
    while (still.accepted.length === 0) first = await connected(port)
    const before = still.accepted.length
    assert.equal(stopListening(still.descriptors), true)
    const later = await Promise.all(Array.from({ length: 50 }, () => connected(port)))
    t.after(() => later.forEach((socket) => socket.destroy()))
    assert.equal(still.accepted.length, before)
    assert.ok(other.accepted.length >= 50)
    const echo = new Promise((resolve) => first.once('data', resolve))
    first.write('!')
    assert.equal(String(await echo), '!')
    first.destroy()
  })

  it('is one socket where the kernel chooses the port', async (t) => {
    const { servers } = await hold(t, 0)
    assert.equal(servers.length, 1)
  })

  it('keeps a port the kernel chose for those who share it, and from everybody else', async (t) => {
    const held = await holdAnyPort(HOST)
    assert.ok(held !== undefined && held.port > 0)
    const alone = createServer()
    const answer = new Promise((resolve) => {
      alone.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      alone.listen(held.port, HOST, () => alone.close(() => resolve('listens')))
    })
    assert.equal(await answer, 'EADDRINUSE')
    const { accepted } = await hold(t, held.port)
    for (let i = 0; i < 20; i++) (await connected(held.port)).destroy()
    assert.equal(accepted.length, 20) // none came to the holder, which does not listen
    held.release()
    await assert.rejects(holdAnyPort('192.0.2.1'), { code: 'listener.unavailable' })
  })

  it('is refused where somebody else has it alone', async (t) => {
    const alone = createServer().listen(0, HOST)
    await new Promise((resolve) => alone.once('listening', resolve))
    t.after(() => alone.close())
    const address = alone.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await assert.rejects(
      listenShared(HOST, port, () => createServer()),
      ({ code }: NodeJS.ErrnoException) => code === 'listener.unavailable' || code === 'EADDRINUSE',
    )
  })
})
