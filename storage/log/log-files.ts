/**
 * The few file calls that the message log makes, passed in so that a test can fill the disk or cut
 * the power. All but `syncLater` block: an append of a turn costs 3 to 10 µs, its asynchronous twin
 * 33 to 47 µs. Errors are thrown as `node:fs` throws them.
 */
import * as fs from 'node:fs'

export interface LogFiles {
  /** Names in a directory; empty where it does not exist. */
  list(directory: string): readonly string[]
  /** With its parents, for the owner only. */
  makeDirectory(directory: string): void
  /** A new file, for the owner only; fails where it exists. */
  create(path: string): number
  /** An existing file, for reading and writing. */
  open(path: string): number
  openRead(path: string): number
  stat(path: string): { readonly bytes: number; readonly modifiedAt: number }
  /** Bytes read; fewer than asked for at the end of the file. */
  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): number
  /** Bytes written: may be fewer than asked for. */
  write(fd: number, from: Uint8Array, offset: number, length: number, position: number): number
  truncate(fd: number, bytes: number): void
  /** fdatasync. */
  sync(fd: number): void
  syncLater(fd: number, done: (error: Error | null) => void): void
  /** Makes the creation and removal of files last. */
  syncDirectory(directory: string): void
  close(fd: number): void
  remove(path: string): void
}

export const SYSTEM_FILES: LogFiles = {
  list(directory) {
    try {
      return fs.readdirSync(directory)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },
  makeDirectory(directory) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  },
  create: (path) => fs.openSync(path, 'wx+', 0o600),
  open: (path) => fs.openSync(path, 'r+'),
  openRead: (path) => fs.openSync(path, 'r'),
  stat(path) {
    const { size, mtimeMs } = fs.statSync(path)
    return { bytes: size, modifiedAt: mtimeMs }
  },
  read: (fd, into, offset, length, position) => fs.readSync(fd, into, offset, length, position),
  write: (fd, from, offset, length, position) => fs.writeSync(fd, from, offset, length, position),
  truncate: (fd, bytes) => fs.ftruncateSync(fd, bytes),
  sync: (fd) => fs.fdatasyncSync(fd),
  syncLater: (fd, done) => fs.fdatasync(fd, done),
  syncDirectory(directory) {
    if (process.platform === 'win32') return // there a directory cannot be opened, nor need be
    const fd = fs.openSync(directory, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
  close: (fd) => fs.closeSync(fd),
  remove: (path) => fs.unlinkSync(path),
}

/** True for the error of a file that is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT'
}
