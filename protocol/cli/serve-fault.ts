/** A failed start as one line: what happened and what to do next. */
import { PlatformError, type PlatformErrorCode } from '../../core/domain/errors.ts'

/** Where the message itself does not say what to do. */
const NEXT_STEP: Partial<Record<PlatformErrorCode, string>> = {
  'data.locked': 'stop that process, or name another directory with --data',
}

export function describeFault(error: unknown): string {
  if (error instanceof PlatformError) {
    const step = NEXT_STEP[error.code]
    const message = error.message.replace(/\s*\n\s*/g, '; ')
    return `${message}${step === undefined ? '' : `; ${step}`} [${error.code}]`
  }
  const { code, message, port, path } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') {
    const where = port === undefined ? message : `port ${port} is in use by another process`
    return `${where}; stop that one, or name another port with --listen [listener.in-use]`
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `${path ?? message}: no permission to use it; name another directory with --data`
  }
  return error instanceof Error ? message : String(error)
}
