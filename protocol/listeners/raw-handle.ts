/**
 * Sockets by Node's own handle, without its streams: half of what a connection costs and of what it keeps. This is an
 * inner interface of Node, and this file is all that knows it. `rawHandles` tries it once in each thread, over loopback;
 * where it does not behave, listeners use the public way (`socket-transport.ts`).
 */
import { connect, createServer, type Server } from 'node:net'

const TRY_MS = 2000

/** A TCP handle of libuv, accepted. */
export interface RawHandle {
  onread: (this: RawHandle, memory?: ArrayBuffer) => void
  /** Bytes that libuv has, and the kernel has not. */
  readonly writeQueueSize: number
  /** Whoever drives it. */
  owner?: RawOwner
  readStart(): number
  readStop(): number
  useUserBuffer(buffer: Buffer): void
  writeBuffer(request: object, bytes: Buffer): number
  shutdown(request: object): number
  close(closed?: () => void): void
  getpeername(to: { address?: string; port?: number }): number
  setNoDelay(on: boolean): number
}

/** `bytes` is borrowed for the call. */
export interface RawOwner {
  /** Bytes came. */
  read(bytes: Buffer, length: number): void
  /** The peer sends no more, or the connection is broken. */
  readEnded(broken: boolean): void
  /** A write that was under way is done. */
  written(failed: boolean): void
}

interface WriteRequest {
  handle: RawHandle | undefined
  owner: RawOwner | undefined
  /** Kept as long as libuv reads them. */
  bytes: Buffer | undefined
  oncomplete: (this: WriteRequest, status: number) => void
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest
  readonly ShutdownWrap: new () => { handle?: RawHandle; oncomplete?: () => void }
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kArrayBufferOffset: number
  readonly kLastWriteWasAsync: number
}

const END_OF_FILE = -4095 // UV_EOF

/** What a thread's raw sockets share. */
export class RawHandles {
  /** All read into it: what came is handled within the call. */
  readonly #memory: Buffer
  readonly #wrap: StreamWrap
  readonly #onRead: RawHandle['onread']
  #spare: WriteRequest

  constructor(wrap: StreamWrap, memory: Buffer) {
    this.#wrap = wrap
    this.#memory = memory
    this.#spare = new wrap.WriteWrap()
    this.#onRead = reader(wrap, memory)
  }

  /** Connections of the server come as handles from now on; false: it has none of its own. */
  accept(server: Server, accepted: (handle: RawHandle) => void): boolean {
    const inner = (server as unknown as { _handle?: { onconnection?: unknown } })._handle
    if (typeof inner?.onconnection !== 'function') return false
    inner.onconnection = (status: number, handle: RawHandle | undefined) => {
      if (status === 0 && handle !== undefined) accepted(handle)
    }
    return true
  }

  /** Reads into memory of its own, once: a socket that streams shall have later takes no shared memory. */
  readFirst(handle: RawHandle, first: (bytes: Buffer | undefined) => void): void {
    const state = this.#wrap.streamBaseState
    const { kReadBytesOrError, kArrayBufferOffset } = this.#wrap
    handle.onread = (memory) => {
      const length = state[kReadBytesOrError] as number
      if (length === 0) return
      handle.readStop()
      const at = state[kArrayBufferOffset] as number
      first(length < 0 || memory === undefined ? undefined : Buffer.from(memory, at, length))
    }
    handle.readStart()
  }

  /** Whoever drives it hears of it from now on; it reads when it is told to. */
  drive(handle: RawHandle, owner: RawOwner): void {
    handle.owner = owner
    handle.useUserBuffer(this.#memory)
    handle.onread = this.#onRead
  }

  /** `sent`: the kernel has all of it. `pending`: the owner hears when it has, and the bytes stay until then. */
  write(handle: RawHandle, owner: RawOwner, bytes: Buffer): 'sent' | 'pending' | 'failed' {
    const request = this.#spare
    request.handle = handle
    request.oncomplete = onWritten
    if (handle.writeBuffer(request, bytes) !== 0) return 'failed'
    if (this.#wrap.streamBaseState[this.#wrap.kLastWriteWasAsync] === 0) return 'sent'
    request.owner = owner
    request.bytes = bytes
    this.#spare = new this.#wrap.WriteWrap()
    return 'pending'
  }

  /** Says that we send no more, behind all that is under way; false: it is broken. */
  shutdown(handle: RawHandle, done: () => void): boolean {
    const request = new this.#wrap.ShutdownWrap()
    request.handle = handle
    request.oncomplete = done
    return handle.shutdown(request) >= 0
  }
}

/** One function for all handles: it is called with the handle that has read. */
function reader(
  { streamBaseState, kReadBytesOrError }: StreamWrap,
  memory: Buffer,
): RawHandle['onread'] {
  return function (this: RawHandle): void {
    const length = streamBaseState[kReadBytesOrError] as number
    if (length > 0) this.owner?.read(memory, length)
    else if (length < 0) this.owner?.readEnded(length !== END_OF_FILE)
  }
}

function onWritten(this: WriteRequest, status: number): void {
  const { owner } = this
  this.bytes = undefined
  this.owner = undefined
  owner?.written(status < 0)
}

const READ_BYTES = 65_536 // what libuv reads at most in one call

let tried: Promise<RawHandles | undefined> | undefined

/** Those of this thread; `undefined` where this build of Node does not let us, after a try that lasts some milliseconds. */
export function rawHandles(): Promise<RawHandles | undefined> {
  tried ??= tryHandles()
  return tried
}

async function tryHandles(): Promise<RawHandles | undefined> {
  const wrap = streamWrap()
  if (wrap === undefined) return undefined
  const handles = new RawHandles(wrap, Buffer.allocUnsafeSlow(READ_BYTES))
  return (await works(handles)) ? handles : undefined
}

function streamWrap(): StreamWrap | undefined {
  try {
    const inner = process as unknown as { binding(name: string): Partial<StreamWrap> }
    const wrap = inner.binding('stream_wrap')
    const complete =
      typeof wrap.WriteWrap === 'function' &&
      typeof wrap.ShutdownWrap === 'function' &&
      wrap.streamBaseState !== undefined &&
      typeof wrap.kReadBytesOrError === 'number' &&
      typeof wrap.kArrayBufferOffset === 'number' &&
      typeof wrap.kLastWriteWasAsync === 'number'
    return complete ? (wrap as StreamWrap) : undefined
  } catch {
    return undefined
  }
}

/** A client of the public kind says something to a raw socket twice, hears it again, and is hung up on. */
async function works(raw: RawHandles): Promise<boolean> {
  const server = createServer()
  try {
    return await new Promise<boolean>((resolve) => {
      const fail = (): void => resolve(false)
      setTimeout(fail, TRY_MS).unref()
      server.once('error', fail)
      server.listen(0, '127.0.0.1', () => {
        if (!raw.accept(server, (handle) => echo(raw, handle))) return fail()
        const client = connect((server.address() as { port: number }).port, '127.0.0.1')
        let heard = ''
        client.setEncoding('utf8')
        client.on('error', fail)
        client.on('data', (text: string) => {
          heard += text
          if (heard === 'one') client.end('two')
        })
        client.on('close', () => resolve(heard === 'onetwo'))
        client.write('one')
      })
    })
  } finally {
    server.close()
  }
}

function echo(raw: RawHandles, handle: RawHandle): void {
  const owner: RawOwner = {
    read: (bytes, length) => {
      if (raw.write(handle, owner, Buffer.from(bytes.subarray(0, length))) === 'failed')
        handle.close()
    },
    readEnded: () => {
      handle.readStop()
      if (!raw.shutdown(handle, () => handle.close())) handle.close()
    },
    written: () => {},
  }
  raw.readFirst(handle, (first) => {
    raw.drive(handle, owner)
    if (first !== undefined) owner.read(first, first.length)
    handle.readStart()
  })
}
