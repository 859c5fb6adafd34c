/** Waits for a log that nobody writes: nothing else keeps this thread alive. */
import { workerData } from 'node:worker_threads'
import { LogFollower } from '../../../storage/log/log-follower.ts'

const { directory, highWater } = workerData as { directory: string; highWater: SharedArrayBuffer }
const follower = new LogFollower({ logs: [{ log: 0, directory, highWater, after: 0 }] })
void follower.next()
Atomics.store(new Int32Array(highWater), 7, 1) // a word of the mark that nobody uses
