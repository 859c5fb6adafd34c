/** The append side of a shard's message log. Storage implements it; the turn commits it. */
import type { LogEntry } from '../domain/log-entry.ts'

export interface MessageLog {
  /**
   * Adds an entry to this turn's record and returns its sequence. Copies topic and payload before it
   * returns. Not stored, and not to be acknowledged, before the turn that contains it is released.
   */
  append(entry: LogEntry): number
}
