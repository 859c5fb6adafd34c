/**
 * One pass of a shard's event loop, as its sockets see it: a budget for what is read, and the end at
 * which the record is stored and everything gathered is written (style.md, "Turn").
 */
export interface TurnWriter {
  /** Writes what was gathered up to the last `hold`, or all of it where nothing was held. */
  flush(): void
  /** What is gathered so far leaves with the next `flush`; what comes later waits for the one after. */
  hold(): void
  /** The record was not stored: nothing gathered may leave, since it may acknowledge. Ends the connection. */
  discard(): void
}

export interface TurnReader {
  /** Called when a reader that was told to stop may read again. */
  resumeReading(): void
}

export interface Turn {
  /** The turn's number: a socket that sees a new one has its own budget back. */
  readonly serial: number
  /** Clock.now() as of this turn: one reading serves all its messages. */
  readonly now: number
  /** Clock.monotonic() as of this turn: for time-outs, which a step of the clock must not touch. */
  readonly monotonic: number
  /** Begins a turn where none is open. Every entrance of the shard (socket, mesh, timer) calls it first. */
  enter(): void
  /**
   * Counts bytes just read by `reader` (`own`: by it in this turn). False: over budget, so stop
   * reading; `resumeReading` will be called in a later turn, round robin.
   */
  spend(reader: TurnReader, bytes: number, own: number): boolean
  /** Asks for a flush at the end of this turn. Ask once per turn and writer. */
  writeLater(writer: TurnWriter): void
}
