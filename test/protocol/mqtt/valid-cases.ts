/** Packets that are in order; none has a part that may be left off but where `alsoValid` says so. */
import { connect, field, ID, list, packet, T } from './packet-bytes.ts'

const ME = field('me')

export const VALID: readonly {
  readonly level: 4 | 5
  readonly bytes: Uint8Array
  /** Lengths of body at which what stands in front is a packet too. */
  readonly alsoValid: readonly number[]
}[] = [
  { level: 4, bytes: connect(4, 0xce, ME, T, T, T, T), alsoValid: [] },
  {
    level: 5,
    bytes: connect(5, 0xce, list(0x21, ID, 0x26, T, T), ME, list(3, T), T, T, T, T),
    alsoValid: [],
  },
  { level: 4, bytes: packet(0x32, T, ID), alsoValid: [] },
  { level: 5, bytes: packet(0x32, T, ID, list(1, 1, 8, T, 0x26, T, T)), alsoValid: [] },
  { level: 4, bytes: packet(0x34, T, ID), alsoValid: [] },
  { level: 5, bytes: packet(0x3c, T, ID, list(0x23, [0, 1], 2, [0, 0, 0, 9])), alsoValid: [] },
  { level: 4, bytes: packet(0x82, ID, field('a/+/#'), 1), alsoValid: [] },
  { level: 5, bytes: packet(0x82, ID, list(0x26, T, T), field('a'), 0x2d), alsoValid: [] },
  { level: 4, bytes: packet(0xa2, ID, field('a/+')), alsoValid: [] },
  { level: 5, bytes: packet(0xa2, ID, list(0x26, T, T), field('a')), alsoValid: [] },
  { level: 5, bytes: packet(0xe0, 0, list(0x11, [0, 0, 0, 0], 0x1f, T)), alsoValid: [0, 1] },
  ...[0x40, 0x50, 0x62, 0x70].flatMap((first) => [
    { level: 4 as const, bytes: packet(first, ID), alsoValid: [] },
    { level: 5 as const, bytes: packet(first, ID, 0, list(0x1f, T)), alsoValid: [2, 3] },
  ]),
]
