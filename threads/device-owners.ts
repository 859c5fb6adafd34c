/**
 * Requests to devices, from the main thread: each goes to the shard that has custody of the number, by the
 * presence table. Where custody has moved on meanwhile, the next shard is asked.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Remote } from '../actors/runtime/conversation.ts'
import type { PresenceTable } from '../actors/runtime/presence-table.ts'
import { PlatformError, type PlatformErrorCode } from '../core/domain/errors.ts'
import type { DeviceOwner } from '../core/ports/device-owner.ts'
import type { ShardControl } from './thread-start.ts'

const TRIES = 20
const TRY_AGAIN_MS = 10 // a hand-over takes one turn of each of two shards
const REPLACED_MS = 5000 // a shard that died has a successor by then, or the platform has failed

export interface ShardSet {
  readonly count: number
  /** The shard of this number, as it is now: it may be another thread after a failure. */
  control(shard: number): Remote<ShardControl>
}

export function deviceOwners(shards: ShardSet, presence: PresenceTable): DeviceOwner {
  async function ask<T>(
    number: number,
    request: (shard: Remote<ShardControl>) => Promise<T>,
  ): Promise<T> {
    for (let left = TRIES; ; left--) {
      const shard = presence.shardOf(number, shards.count)
      try {
        return await request(shards.control(shard))
      } catch (error) {
        if (!hasCode(error, 'device.moved') || left === 0) throw error
        await wait(TRY_AGAIN_MS)
      }
    }
  }
  /** For what may be asked twice: a shard that dies meanwhile is asked again when it has a successor. */
  async function lasting<T>(request: () => Promise<T>): Promise<T> {
    for (const deadline = performance.now() + REPLACED_MS; ; ) {
      try {
        return await request()
      } catch (error) {
        if (!hasCode(error, 'thread.failed') || performance.now() > deadline) throw error
        await wait(TRY_AGAIN_MS)
      }
    }
  }
  async function tellAll(tell: (shard: Remote<ShardControl>) => Promise<void>): Promise<void> {
    const all = Array.from({ length: shards.count }, (_, shard) =>
      lasting(() => tell(shards.control(shard))),
    )
    await Promise.all(all)
  }
  return {
    isOnline: (number) => presence.isOnline(number),
    state: (number) => lasting(() => ask(number, (shard) => shard.state(number))),
    command: (device, command, waitMs) =>
      ask(device.number, (shard) => shard.command(device, command, waitMs)),
    custom: (device, downlink) => ask(device.number, (shard) => shard.custom(device, downlink)),
    // To all of them: a connection may be on its way from one to another.
    evict: (device, reason) => tellAll((shard) => shard.evict(device, reason)),
    productChanged: (productKey) => tellAll((shard) => shard.productChanged(productKey)),
  }
}

function hasCode(error: unknown, code: PlatformErrorCode): boolean {
  return error instanceof PlatformError && error.code === code
}
