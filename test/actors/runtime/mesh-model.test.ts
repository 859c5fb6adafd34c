/** The mesh against a simple model: a list of turns, each with what was said in it and what became of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TurnWriter } from '../../../core/ports/turn.ts'
import { type GroupShard, ShardGroup } from '../shard-group.ts'

const CHANNEL = 3
const WINDOW_BYTES = 400

type Step =
  | { readonly kind: 'tell' | 'wait' | 'answer' | 'hear' | 'end-receiver' }
  | { readonly kind: 'say'; readonly bytes: number; readonly overdraft: boolean }
  | { readonly kind: 'end'; readonly outcome: 'stored' | 'empty' | 'unsynced' | 'failed' }
  | { readonly kind: 'sync'; readonly synced: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('tell', 'wait', 'answer', 'hear', 'end-receiver') }),
  fc.record({ kind: fc.constant('say'), bytes: fc.nat(300), overdraft: fc.boolean() }),
  fc.record({
    kind: fc.constant('end'),
    outcome: fc.constantFrom('stored', 'empty', 'unsynced', 'failed'),
  }),
  fc.record({ kind: fc.constant('sync'), synced: fc.boolean() }),
)

/** One turn in which something was said; learns its outcome as every writer does. */
class SaidTurn implements TurnWriter {
  readonly serial: number
  readonly said: { readonly text: string; readonly data: boolean }[] = []
  outcome: 'flushed' | 'discarded' | undefined = undefined

  constructor(serial: number) {
    this.serial = serial
  }

  hold(): void {}

  flush(): void {
    this.outcome = 'flushed'
  }

  discard(): void {
    this.outcome = 'discarded'
  }

  get leaves(): readonly string[] {
    const kept = this.said.filter(({ data }) => this.outcome === 'flushed' || !data)
    return kept.map(({ text }) => text)
  }
}

class Model {
  readonly turns: SaidTurn[] = []

  /** The turn that is open in the shard. */
  open({ turns: { turn } }: GroupShard): SaidTurn {
    turn.enter()
    const last = this.turns.at(-1)
    if (last?.serial === turn.serial) return last
    const opened = new SaidTurn(turn.serial)
    this.turns.push(opened)
    turn.writeLater(opened)
    return opened
  }

  /** What may have left, in order: nothing behind a turn whose outcome is not known. */
  get left(): readonly string[] {
    const unknown = this.turns.findIndex(({ outcome }) => outcome === undefined)
    const known = unknown === -1 ? this.turns : this.turns.slice(0, unknown)
    return known.flatMap(({ leaves }) => leaves)
  }
}

describe('mesh against its model', () => {
  it('delivers in order exactly what may leave, and gets its credit back', () => {
    const asTheModel = fc.property(fc.array(step, { maxLength: 80 }), (script) => {
      const group = new ShardGroup(2, WINDOW_BYTES)
      const [a, b] = [group.shard(0), group.shard(1)]
      const model = new Model()
      const heard: string[] = []
      b.mesh.onControl(CHANNEL, (_from, body) => heard.push(String(body)))
      b.mesh.onData(CHANNEL, (_from, buffer, start, end) =>
        heard.push(buffer.toString('utf8', start, end)),
      )
      const answers: number[] = []
      const answered: unknown[] = []
      a.mesh.onControl(CHANNEL, (_from, body) => answered.push(body))
      let waits = 0
      let resumed = 0
      script.forEach((now, i) => {
        switch (now.kind) {
          case 'tell':
            model.open(a).said.push({ text: `c${i}`, data: false })
            a.mesh.tell(1, CHANNEL, `c${i}`)
            break
          case 'say': {
            const text = `d${i}`.padEnd(now.bytes, '.')
            const hadCredit = a.mesh.hasCredit(1)
            const turn = model.open(a)
            const room = a.mesh.reserve(1, CHANNEL, text.length, now.overdraft)
            assert.equal(room !== undefined, hadCredit || now.overdraft)
            room?.buffer.write(text, room.at)
            if (room !== undefined) turn.said.push({ text, data: true })
            break
          }
          case 'wait':
            waits += 1
            a.mesh.whenCredit(1, () => {
              assert.ok(a.mesh.hasCredit(1))
              resumed += 1
            })
            if (a.mesh.hasCredit(1)) assert.equal(resumed, waits)
            break
          case 'answer':
            b.mesh.tell(0, CHANNEL, i)
            answers.push(i)
            break
          case 'end':
            a.turns.outcome = now.outcome
            a.turns.settle()
            break
          case 'sync':
            a.turns.syncs.shift()?.(now.synced)
            break
          case 'hear':
            b.lines.get(0)?.step()
            a.lines.get(1)?.step()
            break
          case 'end-receiver':
            b.turns.settle()
            break
        }
        assert.deepEqual(heard, model.left.slice(0, heard.length))
        if (a.mesh.hasCredit(1)) assert.equal(resumed, waits)
      })
      a.turns.outcome = 'empty'
      group.settle()
      for (let sync = a.turns.syncs.shift(); sync !== undefined; sync = a.turns.syncs.shift()) {
        sync(true)
        group.settle()
      }
      assert.deepEqual(heard, model.left)
      assert.ok(model.turns.every(({ outcome }) => outcome !== undefined))
      assert.deepEqual(answered, answers)
      assert.equal(resumed, waits)
      const credit = a.mesh.status()[0]?.creditBytes ?? 0
      assert.ok(credit > (WINDOW_BYTES * 3) / 4 && credit <= WINDOW_BYTES, `credit ${credit}`)
    })
    fc.assert(asTheModel, { numRuns: 500 })
  })
})
