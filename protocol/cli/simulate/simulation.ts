/**
 * A fleet in one process: connects with a bounded number of handshakes at once, then lets every
 * device post at its rate, each at its own moment. One ticking timer drives all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SimIdentity } from './sign-in.ts'
import { type Server, SimDevice } from './sim-device.ts'
import type { Tally } from './tally.ts'
import { type Range, Walk } from './walk.ts'

const TICK_MS = 20

export interface Plan {
  readonly identities: readonly SimIdentity[]
  readonly server: Server
  /** Handshakes under way at once. */
  readonly connecting: number
  /** Posts of one device per second. */
  readonly ratePerSec: number
  readonly property: string
  readonly range: Range
}

/** Runs until aborted, then closes every connection in order. */
export async function simulate(plan: Plan, tally: Tally, signal: AbortSignal): Promise<void> {
  const devices = plan.identities.map(
    (identity) =>
      new SimDevice(
        identity,
        plan.server,
        plan.property,
        new Walk(plan.range, Math.random()),
        tally,
      ),
  )
  const periodMs = 1000 / plan.ratePerSec
  const spread = new WeakSet<SimDevice>()
  while (!signal.aborted) {
    tick(devices, plan.connecting, periodMs, spread)
    await sleep(TICK_MS)
  }
  await Promise.all(devices.map((device) => device.end()))
}

/** `spread` holds those whose first post already has its own moment within the period. */
function tick(
  devices: readonly SimDevice[],
  limit: number,
  periodMs: number,
  spread: WeakSet<SimDevice>,
): void {
  const now = performance.now()
  let room = limit - devices.filter((device) => device.phase === 'connecting').length
  for (const device of devices) {
    if (device.due > now) continue
    if (device.phase === 'waiting' && room > 0) {
      room -= 1
      device.connect()
    } else if (device.phase === 'connected') {
      if (!spread.has(device)) {
        spread.add(device)
        device.due = now + Math.random() * periodMs
        continue
      }
      device.post(Math.random())
      // The rate holds over ticks; a process that fell behind does not burst to make up for it.
      device.due = Math.max(device.due + periodMs, now - periodMs)
    }
  }
}
