/**
 * Files in memory that behave as a disk does: what was not synced is forgotten when the power is cut,
 * space runs out in the middle of a write, a sync may fail.
 */
import type { LogFiles } from '../../../storage/log/log-files.ts'

interface MemoryFile {
  bytes: Buffer
  synced: Buffer
  modifiedAt: number
}

export class MemoryFiles implements LogFiles {
  /** Bytes that may still be written. */
  space: number = Number.POSITIVE_INFINITY
  /** The next syncs and truncations fail. */
  syncFails = false
  truncateFails = false
  /** Asynchronous syncs wait in `held` until the test ends them. */
  holdSyncs = false
  readonly held: (() => void)[] = []
  syncs = 0
  writes = 0
  time = 0
  readonly #files = new Map<string, MemoryFile>()
  readonly #open = new Map<number, MemoryFile>()
  #nextFd = 100

  /** Forgets all that was not synced. */
  powerCut(): void {
    for (const file of this.#files.values()) file.bytes = Buffer.from(file.synced)
    this.#open.clear()
  }

  get openFiles(): number {
    return this.#open.size
  }

  paths(): string[] {
    return [...this.#files.keys()].sort()
  }

  content(path: string): Buffer {
    return this.#find(path).bytes
  }

  list(directory: string): readonly string[] {
    const paths = this.paths().filter((path) => path.startsWith(`${directory}/`))
    return [
      ...new Set(paths.map((path) => path.slice(directory.length + 1).split('/')[0] as string)),
    ]
  }

  makeDirectory(): void {
    // there are none
  }

  create(path: string): number {
    if (this.#files.has(path)) throw failure('EEXIST', path)
    this.#files.set(path, {
      bytes: Buffer.alloc(0),
      synced: Buffer.alloc(0),
      modifiedAt: this.time,
    })
    return this.open(path)
  }

  open(path: string): number {
    const fd = this.#nextFd++
    this.#open.set(fd, this.#find(path))
    return fd
  }

  openRead(path: string): number {
    return this.open(path)
  }

  stat(path: string): { readonly bytes: number; readonly modifiedAt: number } {
    const { bytes, modifiedAt } = this.#find(path)
    return { bytes: bytes.length, modifiedAt }
  }

  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    const part = this.#opened(fd).bytes.subarray(position, position + length)
    into.set(part, offset)
    return part.length
  }

  write(fd: number, from: Uint8Array, offset: number, length: number, position: number): number {
    this.writes += 1
    const file = this.#opened(fd)
    const count = Math.min(length, this.space)
    if (count === 0) throw failure('ENOSPC', 'disk')
    this.space -= count
    const size = Math.max(file.bytes.length, position + count)
    const bytes = Buffer.alloc(size)
    file.bytes.copy(bytes)
    bytes.set(from.subarray(offset, offset + count), position)
    file.bytes = bytes
    file.modifiedAt = this.time
    return count
  }

  truncate(fd: number, size: number): void {
    if (this.truncateFails) throw failure('EIO', 'truncate')
    const file = this.#opened(fd)
    file.bytes = Buffer.from(file.bytes.subarray(0, size))
  }

  sync(fd: number): void {
    if (this.syncFails) throw failure('EIO', 'sync')
    this.syncs += 1
    const file = this.#opened(fd)
    file.synced = Buffer.from(file.bytes)
  }

  syncLater(fd: number, done: (error: Error | null) => void): void {
    const file = this.#opened(fd)
    const bytes = Buffer.from(file.bytes) // later writes are not covered
    const finish = (): void => {
      if (this.syncFails) {
        done(failure('EIO', 'sync'))
        return
      }
      this.syncs += 1
      if (bytes.length > file.synced.length) file.synced = bytes // a sync takes nothing back
      done(null)
    }
    if (this.holdSyncs) this.held.push(finish)
    else setImmediate(finish)
  }

  syncDirectory(): void {
    // files last with their first sync
  }

  close(fd: number): void {
    if (!this.#open.delete(fd)) throw failure('EBADF', String(fd))
  }

  remove(path: string): void {
    if (!this.#files.delete(path)) throw failure('ENOENT', path)
  }

  #find(path: string): MemoryFile {
    const file = this.#files.get(path)
    if (file === undefined) throw failure('ENOENT', path)
    return file
  }

  #opened(fd: number): MemoryFile {
    const file = this.#open.get(fd)
    if (file === undefined) throw failure('EBADF', String(fd))
    return file
  }
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
