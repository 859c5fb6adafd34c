/**
 * Shards share a port by SO_REUSEPORT, with which a second server on it would raise no error. So each
 * address is bound once without it, before any shard opens it: that error is the one the user sees.
 */
import { type AddressInfo, createServer } from 'node:net'
import { PlatformError } from '../core/domain/errors.ts'
import type { ListenerSpec } from '../core/domain/settings.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'

/**
 * The listeners that can be opened, each with its port: optional ones whose address the machine lacks are left out.
 *
 * @throws listener.in-use, listener.unavailable
 */
export async function freeListeners(
  specs: readonly ListenerSpec[],
  diagnostics: Diagnostics,
): Promise<readonly ListenerSpec[]> {
  const free: ListenerSpec[] = []
  for (const spec of specs) {
    const bound = await bindOnce(spec)
    if (typeof bound === 'number') {
      free.push({ ...spec, port: bound })
    } else if (spec.optional && (bound.code === 'EADDRNOTAVAIL' || bound.code === 'EAFNOSUPPORT')) {
      diagnostics.warn('a default listener is left out: the machine lacks its address', {
        url: spec.url,
      })
    } else {
      throw listenFault(spec, bound)
    }
  }
  return free
}

/** The port that was free, where 0 asks for any: all shards listen on that one. */
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
