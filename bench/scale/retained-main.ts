/**
 * The generator of the retained part, a process of its own: fills the server, then measures what its probes meet while
 * they are alone, and while a client subscribes and takes what is retained. Job on stdin, result as one JSON line.
 */
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { honourAtExit } from '../at-exit.ts'
import { Child } from '../child.ts'
import { fill } from './fill.ts'
import { Probes } from './probes.ts'
import type {
  Collected,
  CollectorJob,
  RetainedFigures,
  RetainedJob,
  TakeFigures,
} from './retained-job.ts'
import { type Take, takesOf } from './retained-topics.ts'
import { ServerMemory } from './server-memory.ts'

const collector = fileURLToPath(new URL('./collector-main.js', import.meta.url))
const STORED_MS = 4000 // checkpoints behind the last PUBACK
const WARM_MS = 1000 // the probes compile
const COME_MS = 10_000
const TAKE_MS = 600_000

honourAtExit()
const job = JSON.parse(await text(process.stdin)) as RetainedJob
process.stdout.write(`${JSON.stringify(await run(job))}\n`)

async function run(options: RetainedJob): Promise<RetainedFigures> {
  const { host, port, serverPid, clockTicks, retained, quietSec } = options
  const fillSec = await fill(host, port, retained)
  await sleep(STORED_MS)
  const memory = new ServerMemory(serverPid, clockTicks)
  const probes = new Probes({ host, port, count: options.probes, rate: options.rate })
  try {
    await probes.start()
    await sleep(WARM_MS)
    // Not measured: a scan makes the server collect what filling has left, once, in one pause of some 100 ms.
    for (const take of takesOf(retained).filter(({ name }) => name === 'last')) {
      await measure(take, options, probes, memory)
    }
    await probes.take(COME_MS)
    const filled = memory.take()
    await sleep(quietSec * 1000)
    const quiet = {
      name: 'nobody',
      seconds: quietSec,
      ...(await probes.take(COME_MS)),
      ...memory.take(),
    }
    const takes: TakeFigures[] = []
    const faults: string[] = []
    for (const take of takesOf(retained)) {
      const { figures, lost } = await measure(take, options, probes, memory)
      takes.push(figures)
      if (lost !== undefined || figures.retained !== take.expected) {
        const of = `${figures.retained} of ${take.expected} came to ${take.filter}`
        faults.push(lost === undefined ? of : `${of}: ${lost}`)
      }
    }
    faults.push(...probes.failures.reasons)
    const { rssMiB, anonymousMiB } = filled
    return { fillSec, filledRssMiB: rssMiB, filledAnonymousMiB: anonymousMiB, quiet, takes, faults }
  } finally {
    probes.stop()
    memory.stop()
  }
}

async function measure(
  { name, filter, expected }: Take,
  { host, port, qos }: RetainedJob,
  probes: Probes,
  memory: ServerMemory,
): Promise<{ readonly figures: TakeFigures; readonly lost: string | undefined }> {
  const its: CollectorJob = { host, port, filter, qos, expected }
  const child = new Child(
    'collector',
    undefined,
    process.execPath,
    [collector],
    JSON.stringify(its),
  )
  const { connectedFrom, firstAt, lastAt, retained, lost } = JSON.parse(
    await child.finished(TAKE_MS),
  ) as Collected
  const use = memory.take()
  const figures = {
    name,
    seconds: (lastAt - connectedFrom) / 1000,
    ...(await probes.take(COME_MS)),
    ...use,
    filter,
    expected,
    retained,
    firstMs: firstAt - connectedFrom,
    lastMs: lastAt - connectedFrom,
  }
  return { figures, lost }
}
