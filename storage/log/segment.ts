/**
 * Segment files: their names, their header, and which of them a log has. Bytes: `docs/formats.md`,
 * "Message log".
 */
import { join } from 'node:path'
import { PlatformError } from '../../core/domain/errors.ts'
import type { LogFiles } from './log-files.ts'

export const SEGMENT_HEADER_BYTES = 16
const SEGMENT_VERSION = 1
const MAGIC = Buffer.from('TIDEGLOG', 'latin1')
const NAME = /^(\d{20})\.log$/

export interface Segment {
  /** No entry of the segment has a lower sequence. */
  readonly first: number
  readonly path: string
}

export function segmentPath(directory: string, first: number): string {
  return join(directory, `${first.toString().padStart(20, '0')}.log`)
}

/** The segments of a log, oldest first. Files of other names are none of ours. */
export function listSegments(files: LogFiles, directory: string): readonly Segment[] {
  const segments: Segment[] = []
  for (const name of files.list(directory)) {
    const first = NAME.exec(name)?.[1]
    if (first !== undefined) segments.push({ first: Number(first), path: join(directory, name) })
  }
  return segments.sort((a, b) => a.first - b.first)
}

export function encodeSegmentHeader(log: number): Uint8Array {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt16LE(SEGMENT_VERSION, 8)
  header.writeUInt16LE(log, 10)
  return header
}

/** @throws data.unreadable where this is no segment of that log, data.newer for a later version */
export function checkSegmentHeader(header: Uint8Array, log: number, path: string): void {
  const bytes = Buffer.from(header.buffer, header.byteOffset, SEGMENT_HEADER_BYTES)
  if (!bytes.subarray(0, 8).equals(MAGIC)) {
    throw new PlatformError('data.unreadable', `${path} is no segment of a message log`, {
      details: { file: path, offset: 0 },
    })
  }
  const version = bytes.readUInt16LE(8)
  if (version > SEGMENT_VERSION) {
    throw new PlatformError(
      'data.newer',
      `${path} was written by a newer Tidegate (segment format ${version}, this one reads ${SEGMENT_VERSION})`,
      { details: { file: path, version } },
    )
  }
  if (bytes.readUInt16LE(10) !== log) {
    throw new PlatformError('data.unreadable', `${path} belongs to log ${bytes.readUInt16LE(10)}`, {
      details: { file: path, offset: 10, log },
    })
  }
}
