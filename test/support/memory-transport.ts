/** A socket in memory: what the shard wrote, what the kernel has not taken, whether it reads. */
import { GatheredTransport } from '../../protocol/listeners/gathered-transport.ts'

export class MemoryTransport extends GatheredTransport {
  readonly remoteAddress = '192.0.2.7'
  readonly secure = false
  /** All that left, in order. */
  readonly written: Buffer[] = []
  /** How many writes there were. */
  writes = 0
  reading = true
  /** Our side was ended gracefully. */
  finished = false
  destroyed = false
  /** While true the kernel takes nothing: bytes count as written and as unsent. */
  stalled = false
  #unsent = 0

  /** The peer says something. As in a real read, the memory serves the next one. */
  say(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes)
    this.received(chunk, chunk.length)
    chunk.fill(0xa5)
  }

  /** The peer is gone. */
  hangUp(): void {
    this.closed()
  }

  /** The kernel takes all that was unsent. */
  takeAll(): void {
    this.stalled = false
    this.#unsent = 0
    this.drained()
  }

  /** What left since the last call. */
  takeWritten(): Buffer {
    return Buffer.concat(this.written.splice(0))
  }

  protected override writeOut(bytes: Buffer): void {
    this.writes += 1
    this.written.push(Buffer.from(bytes))
    if (this.stalled) this.#unsent += bytes.length
  }

  protected override unsentBytes(): number {
    return this.#unsent
  }

  protected override stopReading(): void {
    this.reading = false
  }

  protected override startReading(): void {
    this.reading = true
  }

  protected override endWriting(): void {
    this.finished = true
  }

  override destroy(): void {
    this.destroyed = true
    this.closed()
  }
}
