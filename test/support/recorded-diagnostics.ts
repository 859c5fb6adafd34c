/** Diagnostics that are kept for the test to read. */
import type { Diagnostics } from '../../core/ports/diagnostics.ts'

export class RecordedDiagnostics implements Diagnostics {
  /** `level message {facts}`. */
  readonly lines: string[] = []
  readonly debug = this.#recorder('debug')
  readonly info = this.#recorder('info')
  readonly warn = this.#recorder('warn')
  readonly error = this.#recorder('error')

  #recorder(level: string) {
    return (message: string, facts?: Readonly<Record<string, unknown>>): void => {
      this.lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`)
    }
  }
}
