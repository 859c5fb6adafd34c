/** A thread that claims number 4 a thousand times and tells its epochs. */
import { parentPort, workerData } from 'node:worker_threads'
import { PresenceTable } from '../../../actors/runtime/presence-table.ts'
import type { DeviceNumber } from '../../../core/domain/identifiers.ts'

const table = new PresenceTable(workerData as SharedArrayBuffer)
parentPort?.postMessage(Array.from({ length: 1000 }, () => table.claim(4 as DeviceNumber, 1)))
