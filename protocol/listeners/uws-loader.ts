/**
 * Finds a build of uWebSockets.js that runs here. It is not on npm under its own name and bound to the ABI
 * of Node and glibc, so several are tried: the official package where the user installed it, then the
 * two optional dependencies. Loaded by `require`: a failing `import()` of it ends the process even when caught.
 */
import { createRequire } from 'node:module'

/** The little of uWebSockets.js that we use; our own types, so that no declaration names an alias. */
export interface Uws {
  App(options?: object): UwsApp
  SSLApp(options: object): UwsApp
  us_listen_socket_close(socket: unknown): void
  us_socket_local_port(socket: unknown): number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number
}

export interface UwsApp {
  ws(pattern: string, behavior: object): UwsApp
  any(pattern: string, handler: (response: UwsResponse, request: unknown) => void): UwsApp
  listen(host: string, port: number, callback: (socket: unknown) => void): UwsApp
  close(): void
}

export interface UwsResponse {
  getRemoteAddressAsText(): ArrayBuffer
  writeStatus(status: string): UwsResponse
  end(body?: string, closeConnection?: boolean): UwsResponse
  upgrade(data: object, key: string, protocol: string, extensions: string, context: unknown): void
}

export interface UwsRequest {
  getHeader(name: string): string
}

export interface UwsSocket {
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number
  getBufferedAmount(): number
  getRemoteAddressAsText(): ArrayBuffer
  end(code: number, message?: string): void
  close(): void
  getUserData(): object
}

export interface LoadedUws {
  readonly name: string
  readonly uws: Uws
}

interface Candidate {
  readonly name: string
  /** A file that is there only where a build for this system is; absent: loading it tells. */
  readonly binary?: string
}

const { platform, arch, versions } = process
const CANDIDATES: readonly Candidate[] = [
  { name: 'uWebSockets.js' },
  { name: 'uws-recent' },
  // Without its binary it would hand out a slow substitute, and say so on the screen.
  { name: 'uws-compat', binary: `binaries/uws_${platform}_${arch}_${versions.modules}.node` },
]

/** `undefined` where no build fits: the same door is then served by `ws`. */
export function loadUws(): LoadedUws | undefined {
  const require = createRequire(import.meta.url)
  for (const { name, binary } of CANDIDATES) {
    try {
      if (binary !== undefined) require.resolve(`${name}/${binary}`)
      const uws = require(name) as Partial<Uws>
      if (typeof uws.us_socket_local_port === 'function' && typeof uws.SSLApp === 'function') {
        return { name, uws: uws as Uws }
      }
    } catch {
      // Not installed, or built for another Node or glibc: the next may fit.
    }
  }
  return undefined
}
