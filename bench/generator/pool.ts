/** The books of deliveries that do not tell whose message they were: fan-in, fan-out, shared subscriptions. */
export class Pool {
  /** PUBLISH packets that one message brings in all. */
  readonly copies: number
  delivered = 0

  constructor(copies: number) {
    this.copies = copies
  }

  /** Of so many messages sent those of which a copy is missing, where copies come in order. */
  inFlight(sent: number): number {
    return sent - Math.floor(this.delivered / this.copies)
  }

  /** Copies that are missing; negative: more came than was sent. */
  undelivered(sent: number): number {
    return sent * this.copies - this.delivered
  }
}
