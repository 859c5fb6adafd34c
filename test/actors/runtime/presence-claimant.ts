/** A thread that raises the epoch of one number again and again, and posts what it got. */
import { parentPort, workerData } from 'node:worker_threads'
import { PresenceTable } from '../../../actors/runtime/presence-table.ts'

const table = new PresenceTable(workerData as SharedArrayBuffer)
parentPort?.postMessage(Array.from({ length: 1000 }, () => table.raiseEpoch(4)))
