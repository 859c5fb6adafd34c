/** What Tidegate is to cost, and whether it does. Goals are of the sizes in the table, so other sizes have none. Pure. */
import { type Goal, scenarioOf } from './scenarios.ts'
import type { Shape } from './shape.ts'
import type { Summary } from './summary.ts'

/** How long it is measured changes nothing of what is measured. */
const FREE: readonly (keyof Shape)[] = ['warmSec', 'seconds']

/** @param said  what the command line said of the shape */
export function goalsOf(workload: string, said: Partial<Shape>): readonly Goal[] {
  const resized = Object.keys(said).some((name) => !FREE.some((free) => free === name))
  return resized ? [] : (scenarioOf(workload)?.goals ?? [])
}

/** `undefined`: that is not known, or has no goal, for goals are Tidegate's. */
export function meets({ label, figures }: Summary, goal: Goal): boolean | undefined {
  const found = label === 'tidegate' ? figures[goal.figure]?.median : undefined
  return found === undefined ? undefined : found <= goal.atMost
}
