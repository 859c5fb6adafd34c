/**
 * Requests to devices, from the main thread: each goes to the shard that has custody of the number, by the
 * presence table. Where custody has moved on meanwhile, the next shard is asked.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Remote } from '../actors/runtime/conversation.ts'
import type { PresenceTable } from '../actors/runtime/presence-table.ts'
import { PlatformError } from '../core/domain/errors.ts'
import type { DeviceOwner } from '../core/ports/device-owner.ts'
import type { ShardControl } from './thread-start.ts'

const TRIES = 20
const TRY_AGAIN_MS = 10 // a hand-over takes one turn of each of two shards

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
        if (!(error instanceof PlatformError && error.code === 'device.moved') || left === 0) {
          throw error
        }
        await wait(TRY_AGAIN_MS)
      }
    }
  }
  async function tellAll(tell: (shard: Remote<ShardControl>) => Promise<void>): Promise<void> {
    const all = Array.from({ length: shards.count }, (_, shard) => tell(shards.control(shard)))
    await Promise.all(all)
  }
  return {
    isOnline: (number) => presence.isOnline(number),
    state: (number) => ask(number, (shard) => shard.state(number)),
    command: (device, command, waitMs) =>
      ask(device.number, (shard) => shard.command(device, command, waitMs)),
    custom: (device, downlink) => ask(device.number, (shard) => shard.custom(device, downlink)),
    // To all of them: a connection may be on its way from one to another.
    evict: (device, reason) => tellAll((shard) => shard.evict(device, reason)),
    productChanged: (productKey) => tellAll((shard) => shard.productChanged(productKey)),
  }
}
