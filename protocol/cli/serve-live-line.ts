/**
 * One line on the operator's terminal, rewritten in place once a second: devices online, messages per second,
 * lag. It gives way to diagnostics on the same terminal: `clear` before they are written.
 */
import { answeringShards, type StatusReport } from '../../core/domain/status.ts'
import { totalRates } from '../../core/domain/status-rates.ts'

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
  readonly report: StatusReport
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
    const sample = { at: this.#parts.now(), report }
    const text = liveText(this.#before ?? sample, sample)
    this.#before = sample
    this.#parts.write(`${ERASE}${text}`)
    this.#shown = true
  }
}

/** Under 80 columns: a line that wraps cannot be rewritten. */
function liveText(before: Sample, { at, report }: Sample): string {
  const { registered, online } = report.devices
  const rates = totalRates(before.report, report, (at - before.at) / 1000)
  return [
    `${count(online)} of ${count(registered)} devices online`,
    `${count(rates.messagesIn)} msg/s in, ${count(rates.messagesOut)} out`,
    healthText(report),
  ].join('  ')
}

/** That a shard is silent says more than the lag of the others. */
function healthText(report: StatusReport): string {
  const answering = answeringShards(report)
  const silent = report.shards.length - answering.length
  if (silent > 0) return `${silent} of ${report.shards.length} shards silent`
  return `lag ${Math.max(0, ...answering.map(({ lagMs }) => lagMs)).toFixed(1)} ms`
}

function count(figure: number): string {
  return Math.round(figure).toLocaleString('en')
}
