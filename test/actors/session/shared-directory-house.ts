/** The directories of several shards in this thread, and what their clients hear. */

import { phaseOf } from '../../../actors/runtime/presence-table.ts'
import { SharedDirectory } from '../../../actors/session/shared-directory.ts'
import { GroupShard, ShardGroup } from '../shard-group.ts'

interface Holder {
  readonly shard: number
  readonly name: string
  takenOver(): void
}

export class DirectoryHouse {
  readonly group: ShardGroup
  readonly directories: SharedDirectory[]
  /** Sessions that outlive their connections, by shard: name and number. */
  readonly sessions: [name: string, number: number][][] = []
  readonly #holders = new Set<Holder>()

  constructor(shards: number) {
    this.group = new ShardGroup(shards)
    this.directories = this.group.shards.map((shard) => this.#open(shard, []))
  }

  /** What the client hears, word by word. */
  claim(shard: number, name: string): string[] {
    const said: string[] = []
    const holder: Holder = {
      shard,
      name,
      takenOver: () => {
        said.push('taken over')
        this.#holders.delete(holder)
      },
    }
    this.directories[shard]?.claim(name, holder, (claim) => {
      said.push(claim)
      if (claim === 'granted') this.#holders.add(holder)
    })
    return said
  }

  releaseAll(): void {
    for (const holder of this.#holders) {
      this.directories[holder.shard]?.release(holder.name, holder)
    }
    this.#holders.clear()
  }

  /** Another shard takes the number; returns what tells it the leases of the others. */
  replace(shard: number): () => void {
    const others = this.group.shards.filter(({ number }) => number !== shard)
    for (const other of others) {
      other.mesh.leave(shard)
      this.directories[other.number]?.peerGone(shard)
    }
    for (const other of others) this.directories[other.number]?.peerRecovered()
    const successor = new GroupShard(shard, this.group.clock, undefined)
    this.group.shards[shard] = successor
    for (const other of others) this.group.join(successor, other)
    const numbers = others.map(({ number }) => number)
    this.directories[shard] = this.#open(successor, numbers)
    return () => {
      for (const number of numbers) {
        this.directories[number]?.peerJoined(shard)
        this.directories[number]?.lookUpAgain(shard)
      }
    }
  }

  #open(shard: GroupShard, awaits: readonly number[]): SharedDirectory {
    const directory = new SharedDirectory({
      shard: shard.number,
      shards: this.group.shards.length,
      presence: this.group.presence,
      mesh: shard.mesh,
      timers: shard.timers,
      firstNumber: 1,
      capacity: 300,
      awaits,
    })
    const sessions: [name: string, number: number][] = []
    this.sessions[shard.number] = sessions
    directory.serve({
      surrender: () => undefined,
      adopt: () => {},
      keeps: (wanted) => sessions.some(([, number]) => number === wanted),
      names: () => sessions,
    })
    return directory
  }
}

/** Numbers that somebody has custody of now, or had. */
export function sharedDirectoryNumbers({ group }: DirectoryHouse): Set<number> {
  const numbers = new Set<number>()
  for (let number = 1; number <= group.presence.last; number++) {
    if (group.presence.epoch(number) > 0 || phaseOf(group.presence.word(number)) !== 'unowned') {
      numbers.add(number)
    }
  }
  return numbers
}
