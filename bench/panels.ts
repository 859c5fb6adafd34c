/** What of a report is compared: one panel for each of its costs, with the servers beside one another. Pure. */
import type { Report } from './report.ts'
import { scenarioOf } from './scenarios.ts'
import type { Spread } from './statistics.ts'
import { COSTS, type Cost, MEASURES } from './unit.ts'

export interface Bar {
  readonly label: string
  /** `undefined`: no round was valid. */
  readonly value: Spread | undefined
}

export interface Panel {
  readonly workload: string
  readonly figure: Cost
  /** What it is, and of what. */
  readonly title: string
  /** Of Tidegate. */
  readonly goal: number | undefined
  readonly bars: readonly Bar[]
}

/** The main cost first, then the others that have a goal. */
export function panelsOf({ workload, unit, goals, summaries }: Report): Panel[] {
  const others = goals.flatMap(({ figure }) => (isCost(figure) ? [figure] : []))
  const figures = new Set<Cost>([MEASURES[unit].cost, ...others])
  const about = scenarioOf(workload)?.title
  return [...figures].map((figure) => ({
    workload,
    figure,
    title: `${about === undefined ? workload : `${workload}: ${about}`}, ${COSTS[figure]}`,
    goal: goals.find((goal) => goal.figure === figure)?.atMost,
    bars: summaries.map(({ label, figures: found }) => ({ label, value: found[figure] })),
  }))
}

function isCost(figure: string): figure is Cost {
  return figure in COSTS
}
