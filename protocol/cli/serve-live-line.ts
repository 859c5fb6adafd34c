/**
 * One line on the operator's terminal, rewritten in place once a second: devices online, messages per second,
 * lag. It gives way to diagnostics on the same terminal: `clear` before they are written.
 */
import type { StatusReport } from '../../core/domain/status.ts'

const INTERVAL_MS = 1000
const ERASE = '\r\u001B[2K'

export interface LiveLineParts {
  readonly status: () => Promise<StatusReport>
  readonly write: (text: string) => void
  /** Milliseconds that only rise. */
  readonly now: () => number
}

interface Sample {
  readonly at: number
  readonly messagesIn: number
  readonly messagesOut: number
}

export class LiveLine {
  readonly #parts: LiveLineParts
  #timer: NodeJS.Timeout | undefined
  #before: Sample | undefined
  #asking = false
  #shown = false

  constructor(parts: LiveLineParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.tick(), INTERVAL_MS)
  }

  /** Shows the newest figures; while an answer is awaited another call does nothing. */
  async tick(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      const report = await this.#parts.status()
      if (this.#timer !== undefined) this.#show(report)
    } catch {
      this.clear() // no figures are better than old ones
    } finally {
      this.#asking = false
    }
  }

  clear(): void {
    if (this.#shown) this.#parts.write(ERASE)
    this.#shown = false
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.clear()
  }

  #show(report: StatusReport): void {
    const sample = { at: this.#parts.now(), ...totals(report) }
    const text = liveText(report, this.#before, sample)
    this.#before = sample
    this.#parts.write(`${ERASE}${text}`)
    this.#shown = true
  }
}

function totals({ shards }: StatusReport): Omit<Sample, 'at'> {
  let messagesIn = 0
  let messagesOut = 0
  for (const shard of shards) {
    messagesIn += shard.messagesIn
    messagesOut += shard.messagesOut
  }
  return { messagesIn, messagesOut }
}

/** Under 80 columns: a line that wraps cannot be rewritten. */
function liveText(report: StatusReport, before: Sample | undefined, now: Sample): string {
  const { registered, online } = report.devices
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000
  const rate = (figure: 'messagesIn' | 'messagesOut'): string =>
    count(seconds > 0 && before !== undefined ? (now[figure] - before[figure]) / seconds : 0)
  const lagMs = Math.max(0, ...report.shards.map((shard) => shard.lagMs))
  return [
    `${count(online)} of ${count(registered)} devices online`,
    `${rate('messagesIn')} msg/s in, ${rate('messagesOut')} out`,
    `lag ${lagMs.toFixed(1)} ms`,
  ].join('  ')
}

function count(figure: number): string {
  return Math.round(figure).toLocaleString('en')
}
