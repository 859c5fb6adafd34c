/** The mesh of a shard that is alone, and what needs one. */
import type { ControlLane } from '../../actors/runtime/custody.ts'
import { PresenceTable } from '../../actors/runtime/presence-table.ts'
import { SharedDirectory } from '../../actors/session/shared-directory.ts'
import type { Timers } from '../../core/ports/timers.ts'

export const SOLO: ControlLane = { tell: () => false, onControl: () => {} }

export function soloDirectory(timers: Timers): SharedDirectory {
  return new SharedDirectory({
    shard: 0,
    shards: 1,
    presence: PresenceTable.create(1000),
    mesh: SOLO,
    timers,
    firstNumber: 1,
    capacity: 999,
    awaits: [],
  })
}
