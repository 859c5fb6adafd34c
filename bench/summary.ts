/** Medians over the valid rounds, and what one contestant's are to another's. Pure. */
import type { Outcome } from './contest.ts'
import type { Figures, Round } from './round.ts'
import { type Spread, spread } from './statistics.ts'
import { MEASURES } from './unit.ts'

export interface Summary {
  readonly label: string
  readonly version: string
  readonly rounds: number
  readonly valid: number
  /** Of the invalid rounds; empty: all are valid. */
  readonly faults: readonly string[]
  /** Absent: not measured in any valid round. */
  readonly figures: { readonly [name in keyof Figures]?: Spread }
}

/** First contestant over another: below 1 in CPU, and above 1 in rate, the first is better. */
export interface Ratio {
  readonly of: string
  readonly to: string
  /** Server CPU per PUBLISH received, or per connect. Median of medians; min and max of the rounds side by side. */
  readonly cpu?: Spread
  /** PUBLISH received, or connects, per second. */
  readonly rate: Spread
}

export function summarize({ contestant, rounds }: Outcome): Summary {
  const values = (name: keyof Figures): { readonly [name in keyof Figures]?: Spread } => {
    const found = spread(rounds.flatMap((round) => figure(round, name) ?? []))
    return found === undefined ? {} : { [name]: found }
  }
  return {
    label: contestant.label,
    version: contestant.server.version(),
    rounds: rounds.length,
    valid: rounds.filter((round) => round.kind === 'valid').length,
    faults: rounds.flatMap((round) => (round.kind === 'invalid' ? round.faults : [])),
    figures: {
      ...values('cpuUsPerMessage'),
      ...values('cpuUsPerPublish'),
      ...values('messagesPerSec'),
      ...values('publishesPerSec'),
      ...values('cpuUsPerConnect'),
      ...values('connectsPerSec'),
      ...values('cpuUsPerReconnect'),
      ...values('resumed'),
      ...values('rssKibPerClient'),
      ...values('crossing'),
      ...values('serverLoad'),
      ...values('generatorLoad'),
      ...values('serverRssMiB'),
      ...values('switchesPerSec'),
      ...values('p50Us'),
      ...values('p99Us'),
      ...values('lateP99Us'),
    },
  }
}

/** Of the first outcome to each other one, where both have figures. Per PUBLISH received, for what comes of it may differ. */
export function ratios(outcomes: readonly Outcome[]): Ratio[] {
  const [first, ...others] = outcomes
  if (first === undefined) return []
  const { compared } = MEASURES[first.contestant.unit]
  return others.flatMap((other) => {
    const cpu = ratio(first, other, compared.cost)
    const rate = ratio(first, other, compared.rate)
    const labels = { of: first.contestant.label, to: other.contestant.label }
    return rate === undefined ? [] : [{ ...labels, rate, ...(cpu && { cpu }) }]
  })
}

function ratio(a: Outcome, b: Outcome, name: keyof Figures): Spread | undefined {
  const one = spread(a.rounds.flatMap((round) => figure(round, name) ?? []))
  const two = spread(b.rounds.flatMap((round) => figure(round, name) ?? []))
  if (one === undefined || two === undefined || two.median === 0) return undefined
  const median = one.median / two.median
  const sideBySide = spread(
    a.rounds.flatMap((round, i) => {
      const [x, y] = [figure(round, name), figure(b.rounds[i], name)]
      return x === undefined || y === undefined || y === 0 ? [] : [x / y]
    }),
  )
  return { min: sideBySide?.min ?? median, max: sideBySide?.max ?? median, median }
}

function figure(round: Round | undefined, name: keyof Figures): number | undefined {
  return round?.kind === 'valid' ? round.figures[name] : undefined
}
