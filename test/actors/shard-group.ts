/**
 * Several shards in this thread, joined by lines that the test empties when it likes: real turns, real
 * mesh, one presence table, one clock.
 */
import { Mesh } from '../../actors/runtime/mesh.ts'
import type { MeshPort } from '../../actors/runtime/mesh-peer.ts'
import { PresenceTable } from '../../actors/runtime/presence-table.ts'
import { Tally } from '../../actors/runtime/tally.ts'
import { TimingWheel } from '../../actors/runtime/timing-wheel.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ManualTurns } from '../support/manual-turns.ts'

class Line implements MeshPort {
  readonly queue: ArrayBuffer[] = []
  other: Line | undefined
  #listener: ((frame: ArrayBuffer) => void) | undefined

  postMessage(frame: ArrayBuffer): void {
    this.other?.queue.push(frame)
  }

  on(_event: 'message', listener: (frame: ArrayBuffer) => void): void {
    this.#listener = listener
  }

  close(): void {
    this.#listener = undefined
  }

  receiveNow(): ArrayBuffer | undefined {
    return this.queue.shift()
  }

  /** Hands over the oldest frame. */
  step(): boolean {
    const frame = this.queue.shift()
    if (frame === undefined) return false
    this.#listener?.(frame)
    return true
  }
}

export class GroupShard {
  readonly number: number
  readonly tally: Tally = new Tally()
  readonly timers: TimingWheel
  readonly turns: ManualTurns
  readonly mesh: Mesh
  readonly lines: Map<number, Line> = new Map()
  /** Handles nothing until it goes on. */
  stalled = false

  get hasMail(): boolean {
    return [...this.lines.values()].some(({ queue }) => queue.length > 0)
  }

  constructor(
    number: number,
    clock: FakeClock,
    windowBytes: number | undefined,
    onFlushed: () => void = () => {},
  ) {
    this.number = number
    this.timers = new TimingWheel(clock)
    this.turns = new ManualTurns(clock, this.tally, onFlushed)
    const parts = { shard: number, turn: this.turns.turn }
    this.mesh = new Mesh(windowBytes === undefined ? parts : { ...parts, windowBytes })
  }
}

export class ShardGroup {
  readonly clock: FakeClock = new FakeClock()
  readonly presence: PresenceTable = PresenceTable.create(1000)
  readonly shards: GroupShard[]

  /** @param onFlushed  a shard has written all that its turn gathered */
  constructor(count: number, windowBytes?: number, onFlushed: (shard: number) => void = () => {}) {
    this.shards = Array.from(
      { length: count },
      (_, number) => new GroupShard(number, this.clock, windowBytes, () => onFlushed(number)),
    )
    for (const a of this.shards) {
      for (const b of this.shards) if (a.number < b.number) this.join(a, b)
    }
  }

  shard(number: number): GroupShard {
    return this.shards[number] as GroupShard
  }

  join(a: GroupShard, b: GroupShard): void {
    const [one, two] = [new Line(), new Line()]
    one.other = two
    two.other = one
    a.lines.set(b.number, one)
    b.lines.set(a.number, two)
    a.mesh.join(b.number, one)
    b.mesh.join(a.number, two)
  }

  /** Runs turns and hands over frames until nothing moves any more. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const shard of this.shards) {
        if (shard.stalled) continue
        shard.turns.settle()
        for (const line of shard.lines.values()) moved = line.step() || moved
        shard.turns.settle()
      }
      moved ||= this.shards.some((shard) => !shard.stalled && shard.hasMail)
    }
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000)
      for (const shard of this.shards) if (!shard.stalled) shard.timers.tick()
      this.settle()
    }
  }
}
