/**
 * A process of its own, so that what it reads does not delay the probes: a client that subscribes and takes what is
 * retained. Job on stdin, result as one JSON line.
 */
import { text } from 'node:stream/consumers'
import { Client } from '../generator/client.ts'
import type { Collected, CollectorJob } from './retained-job.ts'

const IDLE_MS = 20_000 // the walk to the next match may be long

const job = JSON.parse(await text(process.stdin)) as CollectorJob
process.stdout.write(`${JSON.stringify(await collect(job))}\n`)

async function collect({ host, port, filter, qos, expected }: CollectorJob): Promise<Collected> {
  const connectedFrom = now()
  let firstAt = Number.NaN
  let lastAt = connectedFrom
  let retained = 0
  let end: (lost?: string) => void = () => undefined
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve
  })
  const login = { clientId: 'collector' }
  const client = new Client(
    { host, port, qos, login, filters: [filter] },
    {
      delivered: (_, count) => {
        if (count === 0) return
        retained += count
        lastAt = now()
        if (Number.isNaN(firstAt)) firstAt = lastAt
        if (retained >= expected) end()
      },
      acknowledged: () => end('an acknowledgement of nothing'),
      lost: end,
    },
  )
  client.open().catch((error: unknown) => end(String(error)))
  const watch = setInterval(() => {
    if (now() - lastAt > IDLE_MS) end('nothing came for long')
  }, 1000)
  const lost = await ended
  clearInterval(watch)
  client.close()
  return { connectedFrom, firstAt, lastAt, retained, ...(lost !== undefined && { lost }) }
}

/** Comparable between processes. */
function now(): number {
  return performance.timeOrigin + performance.now()
}
