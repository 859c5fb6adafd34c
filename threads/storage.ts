/**
 * The storage thread: the only writer of LMDB. At start it replays the message logs behind their
 * checkpoints; then it serves the registry to main and checkpoints to the shards.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { RetainedFigures } from '../actors/router/retained-figures.ts'
import { Conversation } from '../actors/runtime/conversation.ts'
import { PostedDiagnostics } from '../actors/runtime/posted-diagnostics.ts'
import { SessionFigures } from '../actors/session/session-figures.ts'
import { replayedChange, tellingPart } from '../protocol/alink/alink-replay.ts'
import { CheckpointStore } from '../storage/checkpoint-store.ts'
import { Environment } from '../storage/environment.ts'
import { SYSTEM_FILES } from '../storage/log/log-files.ts'
import { retireOrphan } from '../storage/log/retention.ts'
import { recover } from '../storage/recovery/recovery.ts'
import { logNumbers } from '../storage/recovery/recovery-plan.ts'
import { RegistryTransactions } from '../storage/registry-transactions.ts'
import { RetainedWriter } from '../storage/retained-store.ts'
import { SecretBox } from '../storage/sealed-secret.ts'
import { checkSecretKey } from '../storage/secret-check.ts'
import { lastSession, SessionStore } from '../storage/session-store.ts'
import { SessionWriter } from '../storage/session-writer.ts'
import { replayAtStart } from './replay.ts'
import { systemClock, systemRandom } from './system.ts'
import {
  CHECKPOINT_METHODS,
  RETAINED_METHODS,
  SESSION_METHODS,
  STORAGE_METHODS,
  type StorageReady,
  type StorageStart,
} from './thread-start.ts'

const RETIRE_MS = 3_600_000
const BOUNDS = { limit: 1000, timeoutMs: 30_000 }

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
const figures = new RetainedFigures(start.retained)
const retained = new RetainedWriter(environment, (totals) => figures.setTotals(totals))
const { sessionMessages, sessionBytes } = start.settings.limits
const sessions = {
  sink: new SessionWriter(environment, { messages: sessionMessages, bytes: sessionBytes }),
  reader: new SessionStore(environment),
}
const box = new SecretBox(start.secretKey, systemRandom)
checkSecretKey(environment, box)
const registry = new RegistryTransactions(environment, box, start.settings.limits.devices)
const shards: MessagePort[] = []
let retiring: NodeJS.Timeout | undefined

const control = {
  async replayLog(log: number): Promise<{ readonly nextSequence: number }> {
    const { logs } = await recover({
      store: checkpoints,
      logsDirectory: start.logsPath,
      changeOf: replayedChange,
      tellingPart,
      retained,
      sessions,
      logs: [log],
    })
    return { nextSequence: logs[0]?.nextSequence ?? 1 }
  },

  async close(): Promise<void> {
    clearInterval(retiring)
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
  const shard = new Conversation(shardPort, BOUNDS)
  shard.serve(checkpoints, CHECKPOINT_METHODS)
  shard.serve(retained, RETAINED_METHODS)
  shard.serve(sessions.sink, SESSION_METHODS)
})
conversation.tell('ready', await replay())
cleanUp()
retiring = setInterval(cleanUp, RETIRE_MS)

function cleanUp(): void {
  retireOrphans()
  const now = systemClock.now()
  Promise.all([retained.sweep(now), sessions.sink.sweep(now)]).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    diagnostics.warn('what has expired could not be removed from the store', { message })
  })
}

/** Logs of shards that this process does not have, as an earlier start with more of them has left. */
function retireOrphans(): void {
  const { logsPath, settings } = start
  for (const log of logNumbers(SYSTEM_FILES, logsPath)) {
    if (log < settings.shards) continue
    const orphan = { log, checkpointed: checkpoints.position(log) }
    try {
      retireOrphan(SYSTEM_FILES, logsPath, orphan, systemClock.now(), settings.log)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      diagnostics.warn('old segments of the message log could not be removed', { log, message })
    }
  }
}

async function replay(): Promise<StorageReady> {
  const incarnation = environment.raiseIncarnation()
  const { storePath, logsPath } = start
  const recovery = await replayAtStart({
    environment,
    checkpoints,
    retained,
    sessions,
    storePath,
    logsPath,
    diagnostics,
  })
  const { logs, ...replayed } = recovery
  environment.refresh()
  const order = sessions.sink.lastOrder
  new SessionFigures(start.sessions).begin(order, environment.databases.sessions.getCount())
  return {
    incarnation,
    lastSession: lastSession(environment.databases),
    nextSequences: new Map(logs.map(({ log, nextSequence }) => [log, nextSequence])),
    replayed,
  }
}
