/**
 * Copies short runs of bytes without an object for each. Up to 96 bytes a loop over unaligned words of four is as fast as
 * the way into native code, which makes a view for every call (100 bytes of garbage), and twice as fast as a loop over
 * bytes. Words need a `DataView` of the memory: one is kept for the target and one for the source that were used last, made
 * when they are used a second time, as messages that wait have memory of their own each.
 */
const WORDS_BYTES = 96
const LOOP_BYTES = 48

let source: Uint8Array | undefined
let sourceView: DataView | undefined
let target: Uint8Array | undefined
let targetView: DataView | undefined

/** Copies `from[start..end)` to `to` at `at`; returns the position behind. */
export function copyBytes(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start
  if (length <= WORDS_BYTES && views(to, from)) {
    return copyWords(to, at, from, start, end)
  }
  if (length <= LOOP_BYTES) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number
  } else {
    to.set(new Uint8Array(from.buffer, from.byteOffset + start, length), at)
  }
  return at + length
}

function copyWords(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  const read = sourceView as DataView
  const write = targetView as DataView
  let i = start
  let j = at
  for (const last = end - 3; i < last; i += 4, j += 4) {
    write.setInt32(j, read.getInt32(i, true), true)
  }
  for (; i < end; i++, j++) to[j] = from[i] as number
  return j
}

/** False where one of the two is not the one that was used last. */
function views(to: Uint8Array, from: Uint8Array): boolean {
  let both = true
  if (from !== source) {
    source = from
    sourceView = undefined
    both = false
  }
  if (to !== target) {
    target = to
    targetView = undefined
    both = false
  }
  if (!both) return false
  sourceView ??= new DataView(from.buffer, from.byteOffset, from.byteLength)
  targetView ??= new DataView(to.buffer, to.byteOffset, to.byteLength)
  return true
}
