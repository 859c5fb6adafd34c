/** A real `ShardTurn` whose turns end when the test says so, over a log that answers as it is told. */
import { ShardTurn } from '../../actors/runtime/shard-turn.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { CommitOutcome, TurnLog } from '../../core/ports/turn-log.ts'
import type { FakeClock } from './fake-clock.ts'

export class ManualTurns implements TurnLog {
  readonly turn: ShardTurn
  /** What the next commits answer. */
  outcome: CommitOutcome = 'stored'
  /** Syncs that were asked for and not answered yet. */
  readonly syncs: ((synced: boolean) => void)[] = []
  readonly #ends: (() => void)[] = []

  constructor(clock: FakeClock, counters: Counters, onFlushed: () => void) {
    this.turn = new ShardTurn({
      clock,
      log: this,
      counters,
      schedule: (end) => this.#ends.push(end),
      onFlushed,
    })
  }

  /** Ends the open turn and those that it begins. */
  settle(): void {
    for (let end = this.#ends.shift(); end !== undefined; end = this.#ends.shift()) end()
  }

  commit(): CommitOutcome {
    return this.outcome
  }

  sync(done: (synced: boolean) => void): void {
    this.syncs.push(done)
  }
}
