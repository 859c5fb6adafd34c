/**
 * The load generator's process: reads a job from stdin, so that no credential shows in a list of
 * processes, runs it, and prints its result as one JSON line.
 */
import { text } from 'node:stream/consumers'
import { ConnectStorm } from './connect-storm.ts'
import { IdleCrowd } from './idle-crowd.ts'
import type { Job, LoadResult } from './job.ts'
import { Load } from './load.ts'

const job = JSON.parse(await text(process.stdin)) as Job
const result = await runOf(job).run()
process.stdout.write(`${JSON.stringify(result)}\n`)

function runOf(job: Job): { run(): Promise<LoadResult> } {
  switch (job.kind) {
    case 'message':
      return new Load(job)
    case 'connect':
      return new ConnectStorm(job)
    case 'idle':
      return new IdleCrowd(job)
  }
}
