/**
 * Diagnostics of the process by pino: JSON lines, or readable ones where a person watches. Written in the call
 * itself, without a worker: what was said before a crash is there.
 */

import type { Settings } from '../../core/domain/settings.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'

export interface DiagnosticsOptions {
  readonly level: Settings['logLevel']
  /** For people, in colour. */
  readonly pretty: boolean
  /** One line or more, each with its end. */
  readonly write: (text: string) => void
}

export async function createDiagnostics(options: DiagnosticsOptions): Promise<Diagnostics> {
  const { level, pretty, write } = options
  const { pino } = await import('pino')
  const shape = pretty ? await prettyShape() : (line: string) => line
  const logger = pino({ level }, { write: (line: string) => write(shape(line)) })
  return {
    debug: (message, facts) => logger.debug(facts ?? {}, message),
    info: (message, facts) => logger.info(facts ?? {}, message),
    warn: (message, facts) => logger.warn(facts ?? {}, message),
    error: (message, facts) => logger.error(facts ?? {}, message),
  }
}

async function prettyShape(): Promise<(line: string) => string> {
  const { default: pretty } = await import('pino-pretty')
  return pretty.prettyFactory({
    colorize: true,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  })
}
