import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { ENTRY_CLASS } from '../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../core/domain/message-id.ts'
import type { UplinkMessage } from '../../core/domain/uplink-message.ts'
import { HIGH_WATER_BYTES } from '../../storage/log/high-water.ts'
import { LogWriter } from '../../storage/log/log-writer.ts'
import { followUplinks, type LogPlace, type UplinkOptions } from '../../threads/uplinks.ts'
import { RecordedDiagnostics } from '../support/recorded-diagnostics.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const START = 1_800_000_000_000
const clock = { now: () => START, monotonic: () => 0 }

/** The logs of a platform that is started again and again, with any number of shards. */
class Shards {
  readonly diagnostics = new RecordedDiagnostics()
  readonly #directories: string[] = []
  readonly #lastSequences = new Map<number, number>()
  #writers: LogWriter[] = []
  places: LogPlace[] = []
  #closing = new AbortController()
  readonly #t: TestContext
  #incarnation = 0
  #version = 0

  constructor(t: TestContext, count: number) {
    this.#t = t
    this.start(count)
  }

  start(count: number): void {
    this.#incarnation += 1
    this.#closing = new AbortController()
    while (this.#directories.length < count) this.#directories.push(temporaryDirectory(this.#t))
    this.places = this.#directories.map((directory, log) => ({
      log,
      directory,
      highWater: log < count ? new SharedArrayBuffer(HIGH_WATER_BYTES) : undefined,
      lastSequence: this.#lastSequences.get(log) ?? 0,
    }))
    this.#writers = this.places.slice(0, count).map(({ log, directory, highWater }) =>
      LogWriter.open({
        directory,
        log,
        incarnation: this.#incarnation,
        durability: 'commit',
        segmentBytes: 2000,
        clock,
        ids: new MessageIdSource(log, clock),
        diagnostics: this.diagnostics,
        highWater,
      }),
    )
  }

  async stop(): Promise<void> {
    this.#closing.abort()
    for (const [log, writer] of this.#writers.entries()) {
      this.#lastSequences.set(log, writer.nextSequence - 1)
      await writer.close()
    }
  }

  say(log: number, text: string, adopts = false): void {
    const writer = this.#writers[log % this.#writers.length] as LogWriter
    this.#version += 1
    writer.append({
      class: adopts ? ENTRY_CLASS.adopt : ENTRY_CLASS.custom,
      number: 1 as DeviceNumber,
      token: { incarnation: this.#incarnation, epoch: 1 },
      version: this.#version,
      qos: 1,
      whole: false,
      targets: [],
      topic: '/k1abcdefghi/meter-1/user/up',
      payload: Buffer.from(text),
    })
    assert.equal(writer.commit(START + this.#version), 'stored')
  }

  follow(options: UplinkOptions = {}): AsyncGenerator<UplinkMessage, void, undefined> {
    const { places: logs, diagnostics } = this
    return followUplinks({ logs, closing: this.#closing.signal, diagnostics }, options)
  }
}

async function take(
  iterator: AsyncGenerator<UplinkMessage, void, undefined>,
  count: number,
): Promise<UplinkMessage[]> {
  const taken: UplinkMessage[] = []
  while (taken.length < count) {
    const { value } = await iterator.next()
    assert.ok(value !== undefined, 'it ended')
    taken.push(value)
  }
  return taken
}

function textOf({ payload }: UplinkMessage): string {
  return Buffer.from(payload).toString()
}

describe('followUplinks', () => {
  it('gives each message once from any cursor, through starts with other numbers of shards', async (t) => {
    const era = fc.record({
      shards: fc.integer({ min: 1, max: 4 }),
      said: fc.array(fc.record({ log: fc.nat(3), adopts: fc.boolean() }), { maxLength: 12 }),
      /** So many messages are read before the platform closes. */
      read: fc.nat(15),
    })
    const exactlyOnce = fc.asyncProperty(fc.array(era, { minLength: 1 }), async (eras) => {
      const shards = new Shards(t, 1)
      await shards.stop()
      const said: string[] = []
      const heard: string[] = []
      let cursor = 'oldest'
      for (const { shards: count, said: script, read } of eras) {
        shards.start(count)
        for (const { log, adopts } of script) {
          shards.say(log, `m${said.length}`, adopts)
          if (!adopts) said.push(`m${said.length}`)
        }
        const iterator = shards.follow({ from: cursor })
        for (const message of await take(iterator, Math.min(read, said.length - heard.length))) {
          cursor = message.cursor
          heard.push(textOf(message))
        }
        await shards.stop()
      }
      shards.start(1)
      const rest = await take(shards.follow({ from: cursor }), said.length - heard.length)
      await shards.stop()
      heard.push(...rest.map(textOf))
      assert.deepEqual([...heard].sort(), [...said].sort())
    })
    await fc.assert(exactlyOnce, { numRuns: 60 })
  })

  it('begins now at the end of every log, of those that nobody writes too', async (t) => {
    const shards = new Shards(t, 3)
    for (const log of [0, 1, 2]) shards.say(log, 'before')
    await shards.stop()
    shards.start(1)
    const now = shards.follow()
    shards.say(0, 'after')
    const [message] = await take(now, 1)
    assert.equal(textOf(message as UplinkMessage), 'after')
    assert.equal(message?.cursor, '0:2,1:1,2:1')
    await shards.stop()
    shards.start(3) // the logs grow again behind that place
    for (const log of [1, 2]) shards.say(log, `again ${log}`)
    const later = await take(shards.follow({ from: message?.cursor as string }), 2)
    assert.deepEqual(later.map(textOf), ['again 1', 'again 2'])
    await shards.stop()
  })

  it('hears one device in order through its moves, and no adopt record', async (t) => {
    const shards = new Shards(t, 4)
    const iterator = shards.follow({ from: 'oldest' })
    const said = Array.from({ length: 100 }, (_, i) => `m${i}`)
    for (const [i, text] of said.entries()) {
      if (i % 3 === 0) shards.say(i % 4, 'the row', true)
      shards.say(i % 4, text)
    }
    assert.deepEqual((await take(iterator, 100)).map(textOf), said)
    await shards.stop()
    assert.equal((await iterator.next()).done, true)
  })

  it('says how much it came too late for', async (t) => {
    const shards = new Shards(t, 1)
    for (let i = 0; i < 5; i++) shards.say(0, 'x')
    const { places } = shards
    const [place] = places as [LogPlace]
    const closing = new AbortController()
    const logs = [{ ...place, directory: temporaryDirectory(t) }]
    const writer = LogWriter.open({
      directory: logs[0]?.directory as string,
      log: 0,
      incarnation: 2,
      durability: 'commit',
      segmentBytes: 2000,
      clock,
      ids: new MessageIdSource(0, clock),
      diagnostics: shards.diagnostics,
      firstSequence: 10, // as after retention
      highWater: place.highWater,
    })
    writer.append({
      class: ENTRY_CLASS.custom,
      number: 1 as DeviceNumber,
      token: { incarnation: 2, epoch: 1 },
      version: 1,
      qos: 1,
      whole: false,
      targets: [],
      topic: '/k1abcdefghi/meter-1/user/up',
      payload: Buffer.from('late'),
    })
    writer.commit(START)
    const source = { logs, closing: closing.signal, diagnostics: shards.diagnostics }
    const [message] = await take(followUplinks(source, { from: '0:4' }), 1)
    assert.equal(message?.cursor, '0:10')
    assert.ok(shards.diagnostics.lines.some((line) => line.includes('came too late')))
    await writer.close()
    await shards.stop()
  })
})
