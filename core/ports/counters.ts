/** Counters of one thread: a name in the field's words, and for refusals always the reason. */
export interface Counters {
  /** `name` is fixed text such as `connect.refused`; `reason` a fixed word such as `bad-signature`. */
  add(name: string, reason?: string, by?: number): void
}
