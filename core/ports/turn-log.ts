/** The message log as the end of a turn sees it: one record per turn, acknowledged by durability. */
export type CommitOutcome =
  /** Nothing was appended: everything gathered may leave. */
  | 'empty'
  /** As durable as configured (`commit`, `relaxed`): everything gathered may leave. */
  | 'stored'
  /** Written, but `flush` is asked for: what was gathered waits for `sync`. */
  | 'unsynced'
  /** Not stored: no acknowledgement of this turn may leave. The file is cut back to its last record. */
  | 'failed'

export interface TurnLog {
  commit(now: number): CommitOutcome
  /** Syncs all that was committed before the call; `false`: the disk refused. Only at `flush`. */
  sync(done: (synced: boolean) => void): void
}
