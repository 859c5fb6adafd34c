/** A thread that lives for a replay at start: see `replay.ts`. It reads the store, and never writes it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Conversation } from '../actors/runtime/conversation.ts'
import { replayedChange, tellingPart } from '../protocol/alink/alink-replay.ts'
import { Environment } from '../storage/environment.ts'
import { PackingStore } from '../storage/recovery/packing-store.ts'
import { recoverPart } from '../storage/recovery/recovery.ts'
import { HELPER_METHODS, type HelperControl, type HelperStart } from './replay.ts'

const BOUNDS = { limit: 64, timeoutMs: 600_000 }

const { storePath, plan, range } = workerData as HelperStart
const port = parentPort as MessagePort
const { restore, finished } = new Conversation(port, BOUNDS).remote<HelperControl>(HELPER_METHODS)
const environment = Environment.open({ path: storePath, readOnly: true })
const store = new PackingStore(environment, restore)
const { rows } = await recoverPart(plan, range, { store, tellingPart, changeOf: replayedChange })
await environment.close()
await finished(rows)
port.close()
