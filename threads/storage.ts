/**
 * The storage thread: the only writer of LMDB. At start it replays the message logs behind their
 * checkpoints; then it serves the registry to main and checkpoints to the shards.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Conversation } from '../actors/runtime/conversation.ts'
import { PostedDiagnostics } from '../actors/runtime/posted-diagnostics.ts'
import { stateChangeOf } from '../protocol/alink/alink-replay.ts'
import { CheckpointStore } from '../storage/checkpoint-store.ts'
import { Environment } from '../storage/environment.ts'
import { recover } from '../storage/recovery.ts'
import { RegistryTransactions } from '../storage/registry-transactions.ts'
import { SecretBox } from '../storage/sealed-secret.ts'
import { checkSecretKey } from '../storage/secret-check.ts'
import { systemClock, systemRandom } from './system.ts'
import {
  CHECKPOINT_METHODS,
  STORAGE_METHODS,
  type StorageReady,
  type StorageStart,
} from './thread-start.ts'

const BOUNDS = { limit: 1000, timeoutMs: 30_000 }
const PROGRESS_MS = 1000 // a replay that takes longer says how far it is

const start = workerData as StorageStart
const main = parentPort as MessagePort
const conversation = new Conversation(main, BOUNDS)
const diagnostics = new PostedDiagnostics(
  (...line) => conversation.tell('diagnose', ...line),
  systemClock,
  start.settings.logLevel,
)
const environment = Environment.open({ path: start.storePath, readOnly: false })
const checkpoints = new CheckpointStore(environment)
const box = new SecretBox(start.secretKey, systemRandom)
checkSecretKey(environment, box)
const registry = new RegistryTransactions(environment, box, start.settings.limits.devices)
const shards: MessagePort[] = []

const control = {
  async replayLog(log: number): Promise<{ readonly nextSequence: number }> {
    const { logs } = await recover({
      store: checkpoints,
      logsDirectory: start.logsPath,
      stateChangeOf,
      logs: [log],
    })
    return { nextSequence: logs[0]?.nextSequence ?? 1 }
  },

  async close(): Promise<void> {
    for (const port of shards) port.close()
    await environment.close()
    // The port outlives this turn, so that the answer still leaves; then nothing holds the thread.
    setImmediate(() => main.close())
  },
}
conversation.serve(
  registry,
  STORAGE_METHODS.filter((method) => method !== 'close' && method !== 'replayLog'),
)
conversation.serve(control, ['close', 'replayLog'])
main.on('message', (message: unknown) => {
  const { shardPort } = message as { readonly shardPort?: MessagePort }
  if (shardPort === undefined) return
  shards.push(shardPort)
  new Conversation(shardPort, BOUNDS).serve(checkpoints, CHECKPOINT_METHODS)
})
conversation.tell('ready', await replay())

async function replay(): Promise<StorageReady> {
  const incarnation = environment.raiseIncarnation()
  const startedAt = systemClock.monotonic()
  let saidAt = startedAt
  const recovery = await recover({
    store: checkpoints,
    logsDirectory: start.logsPath,
    stateChangeOf,
    progress: (entries) => {
      const now = systemClock.monotonic()
      if (now - saidAt < PROGRESS_MS) return
      saidAt = now
      diagnostics.info('replaying the message log', { entries })
    },
  })
  const tookMs = Math.round(systemClock.monotonic() - startedAt)
  const { entries, rows, logs } = recovery
  if (entries > 0) diagnostics.info('message log replayed', { entries, rows, tookMs })
  return {
    incarnation,
    nextSequences: new Map(logs.map(({ log, nextSequence }) => [log, nextSequence])),
    replayed: { entries, rows, tookMs },
  }
}
