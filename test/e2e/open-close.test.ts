import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { open } from 'lmdb'
import mqtt from 'mqtt'
import { Platform } from '../../index.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const ROUNDS = 200
const WARM_UP = 10 // pools and caches of Node fill first

const DOORS = [
  ['auto', 'mqtt'],
  ['auto', 'mqtts'],
  ['ws', 'ws'],
  ['wss', 'wss'],
] as const

/** What a process holds that a forgotten close would leave behind. */
function holdings(): { files: number; threads: number; resources: string[] } {
  const files = readdirSync('/proc/self/fd').length
  const threads = readdirSync('/proc/self/task').length
  const resources = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout')
  return { files, threads, resources }
}

describe('a platform in a process of its user', () => {
  it(`opens and closes ${ROUNDS} times with clients connected, and leaves nothing behind`, async (t) => {
    if (process.platform !== 'linux') return t.skip('counts descriptors in /proc')
    const data = join(temporaryDirectory(t), 'data')
    let before: ReturnType<typeof holdings> | undefined
    for (let round = 0; round < ROUNDS; round++) {
      const platform = await Platform.open({
        settings: {
          data,
          listeners: [
            'auto://127.0.0.1:0?profile=plain&auth=anonymous',
            'ws://127.0.0.1:0?profile=plain&auth=anonymous',
            'wss://127.0.0.1:0?profile=plain&auth=anonymous',
            'http://127.0.0.1:0',
          ],
        },
      })
      const ca = readFileSync(platform.caFile as string)
      const clients = await Promise.all(
        DOORS.map(([door, scheme]) => {
          const port = platform.listeners.find(({ protocol }) => protocol === door)?.port
          return mqtt.connectAsync(`${scheme}://127.0.0.1:${port}`, { ca, reconnectPeriod: 0 })
        }),
      )
      const closed = clients.map(
        (client) => new Promise<void>((resolve) => client.once('close', () => resolve())),
      )
      for (const client of clients) client.on('error', () => {})
      await platform.close()
      await Promise.all(closed)
      for (const client of clients) client.end(true)
      if (round === WARM_UP) {
        await wait(200)
        before = holdings()
      }
    }
    await wait(200)
    assert.deepEqual(holdings(), before)
    const store = open({ path: join(data, 'store'), readOnly: true, maxDbs: 32 })
    const readers = store.readerList()
    await store.close()
    assert.match(readers, /no active readers/, `readers are left: ${readers}`)
    return undefined
  })
})
