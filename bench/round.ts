/**
 * What one round of one contestant says: its figures, or why it has none. A round in which a message
 * was lost or a connection failed did other work than asked, so it has no figures at all.
 */
import type { LoadResult } from './generator/job.ts'

export interface Figures {
  /** Server CPU over PUBLISH packets received and sent: the main figure. Absent: no /proc here. */
  readonly cpuUsPerMessage?: number
  /** The same over PUBLISH packets received alone. */
  readonly cpuUsPerPublish?: number
  /** PUBLISH packets received and sent by the server. */
  readonly messagesPerSec: number
  /** PUBLISH packets received. */
  readonly publishesPerSec: number
  /** CPU seconds per second. */
  readonly serverLoad?: number
  readonly generatorLoad: number
  readonly serverRssMiB?: number
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
  const { failures, reasons, unacknowledged, undelivered, published } = result
  const faults: string[] = []
  if (failures > 0) faults.push(`${failures} failures: ${reasons.join('; ')}`)
  if (unacknowledged !== 0) faults.push(`${unacknowledged} messages never acknowledged`)
  if (undelivered > 0) faults.push(`${undelivered} messages never delivered`)
  if (undelivered < 0) faults.push(`${-undelivered} messages delivered twice`)
  if (published === 0) faults.push('no message was sent in the measured time')
  return faults
}

function figures(result: LoadResult): Figures {
  const { seconds, published, delivered, serverCpuSec, serverRssKib, generatorCpuSec } = result
  const messages = published + delivered
  return {
    messagesPerSec: messages / seconds,
    publishesPerSec: published / seconds,
    generatorLoad: generatorCpuSec / seconds,
    ...(serverCpuSec !== undefined && {
      cpuUsPerMessage: (serverCpuSec * 1e6) / messages,
      cpuUsPerPublish: (serverCpuSec * 1e6) / published,
      serverLoad: serverCpuSec / seconds,
    }),
    ...(serverRssKib !== undefined && { serverRssMiB: serverRssKib / 1024 }),
  }
}
