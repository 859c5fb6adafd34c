/**
 * The data directory: where everything lives that the platform keeps, and the lock that lets one
 * process have it. Opened by the main thread before any other, released as the last act.
 *
 *     store/           LMDB: registry, rows of devices, checkpoints
 *     log/<shard>/     message logs
 *     tls/             development certificate
 *     admin.key        first access key, secret.key the key of sealed secrets
 *     LOCK             its holder: process id and start time
 *
 * Directories are 0700, secret files 0600. LOCK is made by link(2), which fails where the name exists.
 * To take over the lock of a dead process two starters must not meet: each first puts up a claim, a
 * file of a name of its own, and backs off where it sees another's. A dead process is told from a
 * later one with the same id by its start time (Linux; elsewhere by the id alone). Processes that do
 * not see each other's ids, such as containers on one volume, are not told apart.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { PlatformError } from '../core/domain/errors.ts'

const CLAIM = /^LOCK\.\d+\.[0-9a-f]+$/
const ATTEMPTS = 100 // of some 10 ms: others hold a claim for less than one
const PAUSE_MS = 20

interface Holder {
  readonly pid: number
  /** Opaque; empty where the system does not tell. */
  readonly started: string
}

export interface DataDirectory {
  readonly path: string
  readonly store: string
  readonly logs: string
  readonly tls: string
  readonly adminKey: string
  readonly secretKey: string
  /** True where this call has made it. */
  readonly isNew: boolean
  /** `data/log/<log>` */
  log(log: number): string
  /** Gives the lock back; may be called again. */
  release(): void
}

/** @throws data.locked (details: pid) where a live process has it, this one included */
export function openDataDirectory(path: string): DataDirectory {
  const root = resolve(path)
  fs.mkdirSync(root, { recursive: true, mode: 0o700 })
  const lock = join(root, 'LOCK')
  const held = takeLock(root, lock)
  const store = join(root, 'store')
  const isNew = !fs.existsSync(store)
  if (isNew) fs.chmodSync(root, 0o700) // it may have been made by hand, with the umask's rights
  for (const name of ['store', 'log', 'tls']) {
    fs.mkdirSync(join(root, name), { recursive: true, mode: 0o700 })
  }
  let released = false
  return {
    path: root,
    store,
    logs: join(root, 'log'),
    tls: join(root, 'tls'),
    adminKey: join(root, 'admin.key'),
    secretKey: join(root, 'secret.key'),
    isNew,
    log: (log) => join(root, 'log', String(log)),
    release() {
      if (released) return
      released = true
      if (readText(lock) === held) fs.rmSync(lock, { force: true })
    },
  }
}

/** Writes a file that only its owner may read; an existing one keeps its place until it is replaced. */
export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    fs.writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true })
    fs.renameSync(temporary, path)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
}

/** The text of the lock, which names this holding and no other. */
function takeLock(root: string, lock: string): string {
  const self: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' }
  const mark = randomBytes(8).toString('hex')
  const text = `${JSON.stringify({ ...self, mark })}\n`
  const claim = join(root, `LOCK.${self.pid}.${mark}`)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    fs.writeFileSync(claim, text, { mode: 0o600, flag: 'wx' })
    try {
      if (!othersClaim(root, claim) && tryLock(root, lock, claim)) return text
    } finally {
      fs.rmSync(claim, { force: true })
    }
    pause(PAUSE_MS * Math.random())
  }
  throw new PlatformError('data.locked', `${root} is being opened by others again and again`)
}

/** Alone in here. @throws data.locked */
function tryLock(root: string, lock: string, claim: string): boolean {
  const holder = readHolder(lock)
  if (holder !== undefined && isAlive(holder)) {
    throw new PlatformError('data.locked', `${root} is in use by process ${holder.pid}`, {
      details: { path: root, pid: holder.pid },
    })
  }
  fs.rmSync(lock, { force: true })
  try {
    fs.linkSync(claim, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** True where a live process claims too. Claims of dead ones are removed: their names never come back. */
function othersClaim(root: string, own: string): boolean {
  let others = false
  for (const name of fs.readdirSync(root)) {
    const path = join(root, name)
    if (!CLAIM.test(name) || path === own) continue
    const pid = Number(name.split('.')[1])
    const holder = readHolder(path) ?? { pid, started: '' } // not yet written
    if (isAlive(holder)) others = true
    else fs.rmSync(path, { force: true })
  }
  return others
}

function readHolder(path: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readText(path) ?? '') as Partial<Holder>
    if (typeof pid === 'number' && typeof started === 'string') return { pid, started }
  } catch {
    // no JSON: nobody's
  }
  return undefined
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const started = startOf(holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

/**
 * When a process started: boot id and ticks since boot. `undefined` where the system does not tell;
 * `dead`, which no holder has written, for one that has ended and waits for its parent.
 */
function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  const boot = readText('/proc/sys/kernel/random/boot_id')
  if (stat === undefined || boot === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name may hold blanks
  if (fields[0] === 'Z' || fields[0] === 'X') return 'dead'
  return `${boot.trim()} ${fields[19]}`
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
