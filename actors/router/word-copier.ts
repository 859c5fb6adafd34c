/**
 * Copies short runs of bytes by words: for a hundred bytes a loop over bytes, and the way into native code, both
 * take three times as long. Works where the two places lie alike within a word, which whoever chooses the
 * target sees to; else it copies byte by byte. One per source that is read again and again.
 */

const LOOP_BYTES = 1024 // beyond, native code is faster

export class WordCopier {
  #source: Uint8Array | undefined
  #words: Int32Array | undefined

  /** Copies `from[start..end)` to `to` at `at`; `words` are those of `to`. Returns the position behind. */
  copy(
    to: Uint8Array,
    words: Int32Array,
    at: number,
    from: Uint8Array,
    start: number,
    end: number,
  ): number {
    const length = end - start
    if (length > LOOP_BYTES) {
      to.set(from.subarray(start, end), at)
      return at + length
    }
    if (from !== this.#source) this.#take(from)
    const source = this.#words
    let [i, j] = [start, at]
    if (source !== undefined && ((start ^ at) & 3) === 0) {
      while ((i & 3) !== 0 && i < end) to[j++] = from[i++] as number
      for (let last = end - 3, s = i >>> 2, t = j >>> 2; i < last; i += 4, j += 4) {
        words[t++] = source[s++] as number
      }
    }
    while (i < end) to[j++] = from[i++] as number
    return j
  }

  #take(source: Uint8Array): void {
    this.#source = source
    const { buffer, byteOffset, length } = source
    this.#words =
      (byteOffset & 3) === 0 ? new Int32Array(buffer, byteOffset, length >>> 2) : undefined
  }
}
