/**
 * The status of a server, for people: one line for each shard, then what was refused, then what the shards
 * have with each other where there are several. A shard that is silent has a line of its own.
 */
import {
  type AnsweringShard,
  answeringShards,
  isAnswering,
  type ShardReport,
  type StatusReport,
} from '../../core/domain/status.ts'
import { type ShardRates, shardRates } from '../../core/domain/status-rates.ts'
import { record, table, when } from './table.ts'

const MEBIBYTE = 1_048_576
const KIBIBYTE = 1024

/** A look before this one, for rates. */
export interface Before {
  readonly before: StatusReport
  readonly seconds: number
}

/** @param since  absent: totals since the start of each shard */
export function statusText(report: StatusReport, since?: Before): string {
  const shards = answeringShards(report)
  const parts = [head(report), ...silences(report.shards), shardTable(report, since)]
  const refusals = shards.flatMap(({ shard, refusals: reasons }) =>
    Object.entries(reasons).map(([reason, times]) => [shard, reason, times]),
  )
  if (refusals.length > 0) parts.push(table(['SHARD', 'REFUSED', 'TIMES'], refusals))
  if (report.shards.length > 1) parts.push(handOverTable(shards), meshTable(shards))
  return parts.join('\n\n')
}

function head(report: StatusReport): string {
  const { version, startedAt, uptimeSec, durability, devices, memory, cpu } = report
  const { userSec, systemSec } = cpu
  return record({
    version,
    started: when(startedAt),
    uptime: `${Math.floor(uptimeSec)} s`,
    durability,
    devices: `${devices.online} online of ${devices.registered}`,
    memory: mebibytes(memory.rssBytes),
    cpu: `${(userSec + systemSec).toFixed(1)} s`,
  })
}

function silences(shards: readonly ShardReport[]): string[] {
  const lines = shards.flatMap((shard) => {
    if (isAnswering(shard)) return []
    const { shard: number, state, devicesOnline } = shard
    const what =
      state === 'stalled'
        ? 'does not answer: its event loop stands still'
        : 'is being replaced by another thread'
    return [`shard ${number} ${what}; ${devicesOnline} devices were online there`]
  })
  return lines.length === 0 ? [] : [lines.join('\n')]
}

function shardTable(report: StatusReport, since: Before | undefined): string {
  const rates = since && shardRates(since.before, report, since.seconds)
  const headings = ['SHARD', 'CONNECTIONS', 'ONLINE', 'IN', 'OUT', 'LAG P99']
  headings.push('TURN P99', 'LONGEST', 'HEAP', 'LOG', 'LOG BYTES', 'STATE')
  if (rates !== undefined) {
    headings[3] = 'IN/S'
    headings[4] = 'OUT/S'
    headings[10] = 'LOG/S'
  }
  const rows = report.shards.map((shard) =>
    isAnswering(shard)
      ? shardRow(shard, rates?.get(shard.shard))
      : [shard.shard, '', shard.devicesOnline, ...Array<string>(8).fill(''), stateOf(shard)],
  )
  return table(headings, rows)
}

function shardRow(shard: AnsweringShard, rates: ShardRates | undefined): unknown[] {
  const { heap, turn, log } = shard
  return [
    shard.shard,
    shard.connections,
    shard.devicesOnline,
    rates === undefined ? shard.messagesIn : Math.round(rates.messagesIn),
    rates === undefined ? shard.messagesOut : Math.round(rates.messagesOut),
    milliseconds(shard.lagMs),
    milliseconds(turn.p99Ms),
    milliseconds(turn.longestMs),
    `${Math.round((heap.usedBytes / heap.limitBytes) * 100)} %`,
    log.sequence,
    rates === undefined ? mebibytes(log.bytes) : `${Math.round(rates.logBytes / KIBIBYTE)} KiB`,
    stateOf(shard),
  ]
}

function stateOf({ state, restarts }: ShardReport): string {
  if (restarts === 0) return state
  return `${state}, replaced ${restarts === 1 ? 'once' : `${restarts} times`}`
}

function handOverTable(shards: readonly AnsweringShard[]): string {
  const headings = ['SHARD', 'GIVEN', 'ADOPTED', 'DECLINED', 'TIMED OUT', 'SUPERSEDED']
  const rows = shards.map(({ shard, handOvers: h, settling }) => [
    shard,
    h.given,
    h.adopted,
    h.declined,
    h.timedOut,
    h.superseded,
    h.waiting,
    settling,
  ])
  return table([...headings, 'WAITING', 'SETTLING'], rows)
}

/** With all others together: there may be 63 of them. Of credit the line that has least. */
function meshTable(shards: readonly AnsweringShard[]): string {
  const headings = ['SHARD', 'PEERS', 'FRAMES OUT', 'CONTROL OUT', 'DATA OUT', 'SENT', 'WAITING']
  const rows = shards.map(({ shard, mesh }) => {
    const sum = (figure: (line: (typeof mesh)[number]) => number): number =>
      mesh.reduce((total, line) => total + figure(line), 0)
    const least = mesh.toSorted((a, b) => a.creditBytes - b.creditBytes)[0]
    return [
      shard,
      mesh.length,
      sum(({ framesOut }) => framesOut),
      sum(({ controlOut }) => controlOut),
      sum(({ dataOut }) => dataOut),
      mebibytes(sum(({ bytesOut }) => bytesOut)),
      sum(({ waiting }) => waiting),
      least && `${Math.round(least.creditBytes / KIBIBYTE)} KiB to shard ${least.peer}`,
    ]
  })
  return table([...headings, 'LEAST CREDIT'], rows)
}

function mebibytes(bytes: number): string {
  const amount = bytes / MEBIBYTE
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} MiB`
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
