/**
 * The load generator's process: reads a job from stdin, so that no credential shows in a list of
 * processes, runs it, and prints its result as one JSON line.
 */
import { text } from 'node:stream/consumers'
import { ConnectStorm } from './connect-storm.ts'
import type { Job } from './job.ts'
import { Load } from './load.ts'

const job = JSON.parse(await text(process.stdin)) as Job
const run = job.kind === 'connect' ? new ConnectStorm(job) : new Load(job)
const result = await run.run()
process.stdout.write(`${JSON.stringify(result)}\n`)
