/** Runs one seed; shared by the tests and the command. */
import type { BrokenRule } from './broken-rules.ts'
import { World } from './world.ts'

export interface Outcome {
  readonly seed: number
  readonly steps: number
  readonly takeOvers: number
  readonly acknowledged: number
  readonly deaths: number
  readonly kills: number
  /** What may never happen, and the steps that led there; `undefined`: it did not. */
  readonly violation: string | undefined
  readonly trace: readonly string[]
}

export async function simulate(seed: number, steps: number, broken?: BrokenRule): Promise<Outcome> {
  const world = new World(broken === undefined ? { seed } : { seed, broken })
  let violation: string | undefined
  try {
    await world.start()
    while (world.steps < steps) await world.step()
    await world.finish()
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const { takeOvers, acknowledged, deaths, kills, trace } = world
  return { seed, steps: world.steps, takeOvers, acknowledged, deaths, kills, violation, trace }
}
