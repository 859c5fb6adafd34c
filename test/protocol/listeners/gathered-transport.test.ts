import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Tally } from '../../../actors/runtime/tally.ts'
import { OutputSlab } from '../../../protocol/listeners/output-slab.ts'
import type { SharedFrame, TransportHandler } from '../../../protocol/mqtt/output.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { ManualTurns } from '../../support/manual-turns.ts'
import { MemoryTransport } from '../../support/memory-transport.ts'

class Handler implements TransportHandler {
  readonly events: string[] = []

  onBytes(_buffer: Buffer, length: number): void {
    this.events.push(`${length} bytes`)
  }

  onCongested(): void {
    this.events.push('congested')
  }

  onDrain(): void {
    this.events.push('drain')
  }

  onClosed(): void {
    this.events.push('closed')
  }
}

function setUp(backlogBytes = 100) {
  const slab = new OutputSlab()
  const turns = new ManualTurns(new FakeClock(), new Tally(), slab.reset)
  const open = (): { transport: MemoryTransport; handler: Handler } => {
    const transport = new MemoryTransport({ turn: turns.turn, slab, backlogBytes })
    const handler = new Handler()
    transport.attach(handler)
    return { transport, handler }
  }
  return { slab, turns, open, ...open() }
}

function write(transport: MemoryTransport, text: string): SharedFrame {
  const start = transport.reserve(Buffer.byteLength(text))
  const { buffer } = transport
  return { buffer, start, end: start + buffer.write(text, start) }
}

const text = (transport: MemoryTransport): string => transport.takeWritten().toString()

describe('gathered transport', () => {
  it('writes what was gathered once a turn, in order, whoever else gathered between', () => {
    const scripts = fc.array(
      fc.array(fc.tuple(fc.nat(3), fc.string({ maxLength: 40_000 })), { maxLength: 12 }),
      {
        maxLength: 6,
      },
    )
    const inOrder = fc.property(scripts, (script) => {
      const { turns, open } = setUp(1e9)
      const all = [0, 1, 2, 3].map(() => open().transport)
      for (const turn of script) {
        const expected = ['', '', '', '']
        for (const [who, words] of turn) {
          write(all[who] as MemoryTransport, words)
          expected[who] += words
        }
        turns.settle()
        assert.deepEqual(
          all.map((one) => text(one)),
          expected,
        )
      }
    })
    fc.assert(inOrder, { numRuns: 50 })
  })

  it('sends what others wrote as its own, in its order, also where a sync is awaited', () => {
    const said = fc.record({
      who: fc.nat(3),
      words: fc.string({ minLength: 1, maxLength: 3000 }),
      /** Who else sends it. */
      others: fc.subarray([0, 1, 2, 3]),
    })
    const turn = fc.record({ said: fc.array(said, { maxLength: 12 }), unsynced: fc.boolean() })
    const inOrder = fc.property(fc.array(turn, { maxLength: 8 }), (script) => {
      const { turns, open } = setUp(1e9)
      const all = [0, 1, 2, 3].map(() => open().transport)
      const expected = ['', '', '', '']
      for (const step of script) {
        turns.outcome = step.unsynced ? 'unsynced' : 'empty'
        for (const { who, words, others } of step.said) {
          const frame = write(all[who] as MemoryTransport, words)
          expected[who] += words
          for (const other of others) {
            if (other === who) continue
            all[other]?.share(frame)
            expected[other] += words
          }
        }
        turns.settle()
      }
      while (turns.syncs.length > 0) {
        turns.syncs.shift()?.(true)
        turns.settle()
      }
      assert.deepEqual(
        all.map((one) => text(one)),
        expected,
      )
    })
    fc.assert(inOrder, { numRuns: 200 })
  })

  it('joins what many send alike once, for all of them, and counts it in the backlog', () => {
    const { turns, slab, transport, open } = setUp(1e9)
    const others = Array.from({ length: 50 }, () => open().transport)
    const frames = ['one ', 'two ', 'three '].map((words) => write(transport, words))
    for (const frame of frames) for (const other of others) other.share(frame)
    assert.equal(others[0]?.backlogBytes, 14)
    const before = slab.end
    turns.turn.enter()
    const [first] = others
    first?.flush()
    const joined = slab.end - before
    for (const other of others.slice(1)) other.flush()
    assert.deepEqual([joined, slab.end - before], [14, 14])
    turns.settle()
    for (const other of others) assert.equal(text(other), 'one two three ')
  })

  it('joins pieces of up to 64 KiB into one write', () => {
    const { turns, transport, open } = setUp(1e9)
    const other = open().transport
    for (let i = 0; i < 100; i++) {
      write(transport, 'mine')
      write(other, 'yours')
    }
    turns.settle()
    assert.deepEqual([transport.writes, other.writes], [1, 1])
  })

  it('holds back what a sync has not covered, and nothing overtakes it', () => {
    const { turns, transport } = setUp(1e9)
    turns.outcome = 'unsynced'
    write(transport, 'one ')
    turns.settle()
    write(transport, 'two ')
    turns.settle()
    turns.outcome = 'empty'
    write(transport, 'three ')
    turns.settle()
    assert.equal(text(transport), '')
    turns.syncs.shift()?.(true)
    turns.settle()
    assert.equal(text(transport), 'one ')
    write(transport, 'four')
    turns.syncs.shift()?.(true)
    turns.settle()
    assert.equal(text(transport), 'two three ')
    turns.syncs.shift()?.(true)
    turns.settle()
    assert.equal(text(transport), 'four')
  })

  it('ends a connection whose acknowledgements may not leave, and says so once', () => {
    const { turns, transport, handler } = setUp()
    turns.outcome = 'failed'
    write(transport, 'ack')
    turns.settle()
    assert.deepEqual([text(transport), transport.destroyed, handler.events], ['', true, ['closed']])
    transport.hangUp()
    assert.deepEqual(handler.events, ['closed'])
  })

  it('writes its last words before it ends its side', () => {
    const { turns, transport } = setUp()
    write(transport, 'bye')
    transport.closeGracefully()
    assert.equal(transport.finished, false)
    turns.settle()
    assert.deepEqual([text(transport), transport.finished], ['bye', true])
    const silent = setUp()
    silent.transport.closeGracefully()
    silent.turns.settle()
    assert.equal(silent.transport.finished, true)
  })

  it('reads no more while its backlog stands above the bound', () => {
    const { turns, transport, handler } = setUp(100)
    transport.stalled = true
    write(transport, 'x'.repeat(100))
    turns.settle()
    assert.deepEqual([transport.reading, handler.events], [true, []])
    write(transport, 'x')
    turns.settle()
    write(transport, 'x')
    turns.settle()
    assert.deepEqual([transport.reading, handler.events], [false, ['congested']])
    assert.equal(transport.backlogBytes, 102)
    transport.takeAll()
    assert.deepEqual([transport.reading, handler.events], [true, ['congested', 'drain']])
  })

  it('counts what waits for the disk to its backlog, so that a slow sync cannot make it grow', () => {
    const { turns, transport, handler } = setUp(100)
    turns.outcome = 'unsynced'
    for (let i = 0; i < 3; i++) {
      write(transport, 'x'.repeat(60))
      turns.settle()
    }
    assert.deepEqual([transport.reading, handler.events], [false, ['congested']])
    turns.outcome = 'empty'
    while (turns.syncs.length > 0) {
      turns.syncs.shift()?.(true)
      turns.settle()
    }
    assert.equal(text(transport).length, 180)
    assert.deepEqual([transport.reading, handler.events], [true, ['congested', 'drain']])
  })

  it('stops reading over the budget of the turn, and goes on in the next', () => {
    const { turns, transport, handler } = setUp()
    transport.say(new Uint8Array(70_000))
    transport.holdReading(true)
    transport.holdReading(false)
    assert.equal(transport.reading, true, 'the one who reads was told by the answer')
    turns.settle()
    assert.equal(transport.reading, true)
    assert.deepEqual(handler.events, ['70000 bytes'])
  })

  it('reads only while no reason holds', () => {
    const { turns, transport } = setUp(100)
    transport.stalled = true
    transport.holdReading(true)
    write(transport, 'x'.repeat(101))
    turns.settle()
    transport.holdReading(false)
    assert.equal(transport.reading, false)
    transport.takeAll()
    assert.equal(transport.reading, true)
  })

  it('is silent once it is closed', () => {
    const { turns, transport, handler } = setUp()
    transport.hangUp()
    write(transport, 'unheard')
    transport.closeGracefully()
    turns.settle()
    assert.deepEqual([text(transport), transport.finished, handler.events], ['', false, ['closed']])
  })
})
