/**
 * What the shards of the server said to each other, by its own status. Asked outside the measured
 * window, for the answer is work of the server. A shard reads its counts in one moment, so their quotient
 * holds although the shards answer one after another.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answeringShards, type StatusReport } from '../../core/domain/status.ts'
import { ask, type ManagementApi } from '../management-api.ts'

const ASKED_AT_MOST = 5
const PAUSE_MS = 500

/** Of all shards, since their start. */
export interface Crossings {
  /** PUBLISH packets from clients. */
  readonly received: number
  /** Messages from one shard to another, of both lanes. */
  readonly crossed: number
}

/** Asks again where a shard under load did not answer. `undefined`: the server has no such API, or it never did. */
export async function readCrossings(
  api: ManagementApi | undefined,
): Promise<Crossings | undefined> {
  if (api === undefined) return undefined
  for (let asked = 1; ; asked++) {
    const crossings = crossingsOf(await ask<StatusReport>(api, 'GET', '/status'))
    if (crossings !== undefined || asked === ASKED_AT_MOST) return crossings
    await sleep(PAUSE_MS)
  }
}

/** `undefined`: a shard did not answer. */
export function crossingsOf(report: StatusReport): Crossings | undefined {
  const shards = answeringShards(report)
  if (shards.length < report.shards.length) return undefined
  const lines = shards.flatMap(({ mesh }) => mesh)
  return {
    received: shards.reduce((sum, { messagesIn }) => sum + messagesIn, 0),
    crossed: lines.reduce((sum, { controlOut, dataOut }) => sum + controlOut + dataOut, 0),
  }
}
