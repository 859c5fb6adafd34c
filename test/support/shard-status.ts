/** What a shard tells of itself where nothing has happened, but for what a test says. */
import { type AnsweringShard, type ShardStatus, TURN_BOUNDS_MS } from '../../core/domain/status.ts'

export function shardStatus(changes: Partial<ShardStatus> = {}): ShardStatus {
  return {
    shard: 0,
    shedding: false,
    connections: 0,
    devicesOnline: 0,
    messagesIn: 0,
    messagesOut: 0,
    lagMs: 0,
    turn: {
      longestMs: 0,
      p99Ms: 0,
      count: 0,
      totalMs: 0,
      byLength: [...TURN_BOUNDS_MS.map(() => 0), 0],
    },
    heap: { usedBytes: 50_000_000, limitBytes: 200_000_000 },
    handOvers: { given: 0, adopted: 0, declined: 0, timedOut: 0, superseded: 0, waiting: 0 },
    mesh: [],
    settling: 0,
    log: { sequence: 0, writes: 0, bytes: 0 },
    refusals: {},
    counters: {},
    ...changes,
  }
}

export function servingShard(changes: Partial<AnsweringShard> = {}): AnsweringShard {
  return { ...shardStatus(changes), state: 'serving', restarts: 0, ...changes }
}

/** One line of its mesh. */
export function meshLine(
  peer: number,
  changes: Partial<ShardStatus['mesh'][number]> = {},
): ShardStatus['mesh'][number] {
  return {
    peer,
    framesIn: 0,
    framesOut: 0,
    controlIn: 0,
    controlOut: 0,
    dataIn: 0,
    dataOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    creditBytes: 4_194_304,
    waiting: 0,
    ...changes,
  }
}
