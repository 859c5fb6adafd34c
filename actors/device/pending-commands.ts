/** Commands of one device whose sender waits for the reply. At the bound a further one is refused. */
import type { CommandOutcome, CommandReply } from '../../core/domain/device-message.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import type { MessageId } from '../../core/domain/identifiers.ts'
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'

class PendingCommand implements TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  readonly id: MessageId
  readonly resolve: (outcome: CommandOutcome) => void
  readonly #reject: (error: PlatformError) => void
  readonly #expire: (command: PendingCommand) => void

  constructor(
    id: MessageId,
    resolve: (outcome: CommandOutcome) => void,
    reject: (error: PlatformError) => void,
    expire: (command: PendingCommand) => void,
  ) {
    this.id = id
    this.resolve = resolve
    this.#reject = reject
    this.#expire = expire
  }

  unanswered(because: string): void {
    const message = `${because}; its reply will still be recorded`
    this.#reject(
      new PlatformError('command.no-reply', message, { details: { messageId: this.id } }),
    )
  }

  onTimer(): void {
    this.#expire(this)
  }
}

export class PendingCommands {
  readonly #timers: Timers
  readonly #limit: number
  readonly #byId = new Map<string, PendingCommand>()

  constructor(timers: Timers, limit: number) {
    this.#timers = timers
    this.#limit = limit
  }

  get size(): number {
    return this.#byId.size
  }

  /** @throws command.too-many-pending */
  assertRoom(deviceName: string): void {
    if (this.#byId.size < this.#limit) return
    throw new PlatformError(
      'command.too-many-pending',
      `${this.#byId.size} commands already await a reply of ${deviceName}`,
    )
  }

  /** Resolves with the device's reply; rejects as command.no-reply after `waitMs`, to the second above. */
  add(id: MessageId, waitMs: number): Promise<CommandOutcome> {
    return new Promise((resolve, reject) => {
      const pending = new PendingCommand(id, resolve, reject, (expired) => {
        this.#byId.delete(expired.id)
        expired.unanswered(`the device did not reply within ${waitMs} ms`)
      })
      this.#byId.set(id, pending)
      this.#timers.arm(pending, waitMs / 1000)
    })
  }

  /** The device has moved to another shard, where its replies will come: nobody waits for them here any more. */
  letGo(): void {
    for (const pending of this.#byId.values()) {
      this.#timers.disarm(pending)
      pending.unanswered('the device has connected anew meanwhile')
    }
    this.#byId.clear()
  }

  /** A reply that nobody awaits is no fault: it is in the journal all the same. */
  answer(reply: CommandReply): void {
    const pending = this.#byId.get(String(reply.id))
    if (pending === undefined) return
    this.#byId.delete(pending.id)
    this.#timers.disarm(pending)
    const { code, message, data } = reply
    pending.resolve({ kind: 'answered', id: pending.id, code, message, data })
  }
}
