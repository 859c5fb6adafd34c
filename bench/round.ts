/**
 * What one round of one contestant says: its figures, or why it has none. A round in which a message
 * was lost or a connection failed did other work than asked, so it has no figures at all.
 */
import type { ConnectResult, IdleResult, LoadResult, MessageResult } from './generator/job.ts'

/** Per message, or per connect: the others are absent, as are those that could not be measured. */
export interface Figures {
  /** Server CPU over PUBLISH packets received and sent: the main figure. Absent: no /proc here. */
  readonly cpuUsPerMessage?: number
  /** The same over PUBLISH packets received alone. */
  readonly cpuUsPerPublish?: number
  /** PUBLISH packets received and sent by the server. */
  readonly messagesPerSec?: number
  /** PUBLISH packets received. */
  readonly publishesPerSec?: number
  /** Server CPU over clients, from the first TCP connect to the last SUBACK. */
  readonly cpuUsPerConnect?: number
  readonly connectsPerSec?: number
  /** The same of the second wave, where the first is measured, too: of a warm server, and resumed over TLS. */
  readonly cpuUsPerReconnect?: number
  /** Share of the second wave whose handshakes were resumed. */
  readonly resumed?: number
  /** Resident memory that came with each connection. */
  readonly rssKibPerClient?: number
  /** Messages from one shard to another over PUBLISH packets received, or over connects. */
  readonly crossing?: number
  /** CPU seconds per second. */
  readonly serverLoad?: number
  readonly generatorLoad: number
  readonly serverRssMiB?: number
  /** Times a second that a thread of the server went to sleep by itself. */
  readonly switchesPerSec?: number
  /** Of an open loop, from when a message was due until it was delivered. */
  readonly p50Us?: number
  readonly p99Us?: number
  /** The same until the generator sent it. */
  readonly lateP99Us?: number
}

export type Round =
  | { readonly kind: 'valid'; readonly figures: Figures }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] }

export function roundOf(result: LoadResult): Round {
  const faults = faultsOf(result)
  return faults.length > 0
    ? { kind: 'invalid', faults }
    : { kind: 'valid', figures: figures(result) }
}

function faultsOf(result: LoadResult): string[] {
  const { failures, reasons } = result
  const faults = result.kind === 'message' ? messageFaults(result) : []
  return failures > 0 ? [`${failures} failures: ${reasons.join('; ')}`, ...faults] : faults
}

function messageFaults({ unacknowledged, undelivered, published }: MessageResult): string[] {
  const faults: string[] = []
  if (unacknowledged !== 0) faults.push(`${unacknowledged} messages never acknowledged`)
  if (undelivered > 0) faults.push(`${undelivered} messages never delivered`)
  if (undelivered < 0) faults.push(`${-undelivered} messages delivered twice`)
  if (published === 0) faults.push('no message was sent in the measured time')
  return faults
}

function figures(result: LoadResult): Figures {
  const { seconds, serverCpuSec, serverRssKib, serverSwitches, generatorCpuSec, crossing } = result
  return {
    ...unitFigures(result),
    generatorLoad: generatorCpuSec / seconds,
    ...(crossing !== undefined && { crossing }),
    ...(serverCpuSec !== undefined && { serverLoad: serverCpuSec / seconds }),
    ...(serverRssKib !== undefined && { serverRssMiB: serverRssKib / 1024 }),
    ...(serverSwitches !== undefined && { switchesPerSec: serverSwitches / seconds }),
  }
}

function unitFigures(result: LoadResult): Partial<Figures> {
  switch (result.kind) {
    case 'message':
      return messageFigures(result)
    case 'connect':
      return connectFigures(result)
    case 'idle':
      return idleFigures(result)
  }
}

function messageFigures(result: MessageResult): Partial<Figures> {
  const { seconds, published, delivered, serverCpuSec, latencyUs } = result
  const messages = published + delivered
  return {
    messagesPerSec: messages / seconds,
    publishesPerSec: published / seconds,
    ...(serverCpuSec !== undefined && {
      cpuUsPerMessage: (serverCpuSec * 1e6) / messages,
      cpuUsPerPublish: (serverCpuSec * 1e6) / published,
    }),
    ...(latencyUs !== undefined && {
      p50Us: latencyUs.p50,
      p99Us: latencyUs.p99,
      lateP99Us: latencyUs.lateP99,
    }),
  }
}

function idleFigures({ seconds, connected, grownKib }: IdleResult): Partial<Figures> {
  return {
    connectsPerSec: connected / seconds,
    ...(grownKib !== undefined && { rssKibPerClient: grownKib / connected }),
  }
}

function connectFigures(result: ConnectResult): Partial<Figures> {
  const { seconds, connected, serverCpuSec, again } = result
  const cpuAgain = again?.serverCpuSec
  return {
    connectsPerSec: connected / seconds,
    ...(serverCpuSec !== undefined && { cpuUsPerConnect: (serverCpuSec * 1e6) / connected }),
    ...(again !== undefined && { resumed: again.resumed / connected }),
    ...(cpuAgain !== undefined && { cpuUsPerReconnect: (cpuAgain * 1e6) / connected }),
  }
}
