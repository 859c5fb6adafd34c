import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Remote } from '../../actors/runtime/conversation.ts'
import { given, held, PresenceTable } from '../../actors/runtime/presence-table.ts'
import { BLANK_STATE } from '../../core/domain/device-state.ts'
import { PlatformError, type PlatformErrorCode } from '../../core/domain/errors.ts'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { deviceOwners } from '../../threads/device-owners.ts'
import type { ShardControl } from '../../threads/thread-start.ts'

const NUMBER = 7 as DeviceNumber
const SHARDS = 3

interface Asked {
  readonly presence: PresenceTable
  readonly owners: ReturnType<typeof deviceOwners>
  /** Shards, in the order in which they were asked. */
  readonly asked: number[]
}

/** Shards that answer for their devices as `answer` says: an error's code, or nothing. */
function asking(
  answer: (shard: number, presence: PresenceTable) => PlatformErrorCode | undefined,
): Asked {
  const presence = PresenceTable.create(100)
  const asked: number[] = []
  const control = (shard: number): Remote<ShardControl> => {
    const hear = async (): Promise<typeof BLANK_STATE> => {
      asked.push(shard)
      const code = answer(shard, presence)
      if (code !== undefined) throw new PlatformError(code, `shard ${shard}`)
      return { ...BLANK_STATE, version: shard }
    }
    const silent = async (): Promise<void> => void (await hear())
    return { state: hear, evict: silent, productChanged: silent } as unknown as Remote<ShardControl>
  }
  return { presence, owners: deviceOwners({ count: SHARDS, control }, presence), asked }
}

describe('deviceOwners', () => {
  it('asks the shard that the presence table names; where none has the number, the one of its remainder', async () => {
    const { presence, owners, asked } = asking(() => undefined)
    await owners.state(NUMBER)
    presence.swap(NUMBER, presence.word(NUMBER), held(2, true))
    await owners.state(NUMBER)
    presence.swap(NUMBER, presence.word(NUMBER), given(2, 0))
    await owners.state(NUMBER)
    assert.deepEqual(asked, [NUMBER % SHARDS, 2, 0])
  })

  it('follows a device that has moved', async () => {
    const { presence, owners, asked } = asking((shard, table) => {
      if (shard !== 2) return undefined
      table.swap(NUMBER, table.word(NUMBER), held(0, false))
      return 'device.moved'
    })
    presence.swap(NUMBER, presence.word(NUMBER), held(2, true))
    assert.equal((await owners.state(NUMBER))?.version, 0)
    assert.deepEqual(asked, [2, 0])
  })

  it('gives up on a device that moves for ever', async () => {
    const { owners, asked } = asking(() => 'device.moved')
    await assert.rejects(owners.state(NUMBER), { code: 'device.moved' })
    assert.equal(asked.length, 21)
  })

  it('asks the successor of a shard that ended, and passes on any other refusal', async () => {
    let deaths = 3
    const dying = asking(() => (deaths-- > 0 ? 'thread.failed' : undefined))
    await dying.owners.state(NUMBER)
    assert.equal(dying.asked.length, 4)
    const offline = asking(() => 'device.offline')
    await assert.rejects(offline.owners.state(NUMBER), { code: 'device.offline' })
    assert.equal(offline.asked.length, 1)
  })

  it('tells all shards what concerns connections', async () => {
    const { owners, asked } = asking(() => undefined)
    await owners.productChanged('k1demo')
    assert.deepEqual(
      asked.sort((a, b) => a - b),
      [0, 1, 2],
    )
  })
})
