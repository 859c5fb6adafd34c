/**
 * Shards share a port by SO_REUSEPORT, with which a second server on it would raise no error. So each
 * address is bound once without it, before any shard opens it: that error is the one the user sees.
 */
import { type AddressInfo, createServer } from 'node:net'
import { PlatformError } from '../core/domain/errors.ts'
import type { ListenerSpec } from '../core/domain/settings.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import { type HeldPort, holdAnyPort } from '../protocol/listeners/shared-port.ts'

export interface FreeListeners {
  /** Each with its port; the API's with 0 where the kernel is to choose it. */
  readonly specs: readonly ListenerSpec[]
  /** Once every shard listens: ports the kernel chose are kept for them until then. */
  release(): void
}

/**
 * The listeners that can be opened: optional ones whose address the machine lacks are left out.
 *
 * @throws listener.in-use, listener.unavailable
 */
export async function freeListeners(
  specs: readonly ListenerSpec[],
  diagnostics: Diagnostics,
): Promise<FreeListeners> {
  const free: ListenerSpec[] = []
  const held: HeldPort[] = []
  const release = (): void => held.splice(0).forEach((port) => port.release())
  try {
    for (const spec of specs) {
      const bound = await bindOnce(spec)
      if (typeof bound !== 'number') {
        const missing = bound.code === 'EADDRNOTAVAIL' || bound.code === 'EAFNOSUPPORT'
        if (!spec.optional || !missing) throw listenFault(spec, bound)
        diagnostics.warn('a default listener is left out: the machine lacks its address', {
          url: spec.url,
        })
      } else if (spec.port !== 0 || spec.protocol === 'http') {
        free.push(spec) // one socket opens the API's: it may choose by itself
      } else {
        const own = await holdAnyPort(spec.host)
        if (own !== undefined) held.push(own)
        free.push({ ...spec, port: own?.port ?? bound })
      }
    }
  } catch (error) {
    release()
    throw error
  }
  return { specs: free, release }
}

/** The port that was free, or why there is none. */
function bindOnce(spec: ListenerSpec): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error))
    server.listen({ host: spec.host, port: spec.port, exclusive: true }, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function listenFault(spec: ListenerSpec, cause: NodeJS.ErrnoException): PlatformError {
  if (cause.code === 'EADDRINUSE') {
    return new PlatformError(
      'listener.in-use',
      `${spec.url}: port ${spec.port} is in use by another process; stop that one, or name another port with --listen`,
      { cause },
    )
  }
  const reason = cause.code === 'EACCES' ? 'ports below 1024 need a privilege' : cause.message
  return new PlatformError('listener.unavailable', `${spec.url} cannot be opened: ${reason}`, {
    cause,
  })
}
