/** Diagnostics that are kept for the test to read, as `level message {facts}`. */
import type { Diagnostics } from '../../core/ports/diagnostics.ts'

type Facts = Readonly<Record<string, unknown>>

export class RecordedDiagnostics implements Diagnostics {
  readonly lines: string[] = []

  debug(message: string, facts?: Facts): void {
    this.#keep('debug', message, facts)
  }

  info(message: string, facts?: Facts): void {
    this.#keep('info', message, facts)
  }

  warn(message: string, facts?: Facts): void {
    this.#keep('warn', message, facts)
  }

  error(message: string, facts?: Facts): void {
    this.#keep('error', message, facts)
  }

  #keep(level: string, message: string, facts: Facts = {}): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(facts)}`)
  }
}
