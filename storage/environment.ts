/**
 * The LMDB environment with its named databases. Layout of keys and values: `docs/formats.md`, "LMDB".
 *
 * One writer (law): the storage thread opens it to write, before any other thread of the process opens
 * it to read; a reader's databases have no `put`. All threads of a process share one native
 * environment, whose mode the first opener decides. Close it before the thread ends.
 *
 * A commit is synced before it is acknowledged (no overlapping sync): log segments are retired on the
 * word of a checkpoint, so a checkpoint must not be lost with the power.
 *
 * Bounds: 64 GiB of address space (the file grows as it is filled; full: writes fail), 512 readers.
 */
import { type Database, open, type RootDatabase } from 'lmdb'
import { PlatformError } from '../core/domain/errors.ts'
import type { AccessKeyValue, DeviceRecord, ProductValue, StateValue } from './stored-values.ts'

const MAP_BYTES = 64 * 1024 ** 3
const MAX_READERS = 512 // one per thread and open iterator
const MAX_DATABASES = 32

const FORMAT_VERSION = 'formatVersion'
const INCARNATION = 'incarnation'

export interface Databases {
  /** Fixed names, such as `formatVersion`, to numbers, text or bytes. */
  readonly meta: Database<unknown, string>
  readonly products: Database<ProductValue, string>
  /** TSL as JSON text, by product key. */
  readonly models: Database<string, string>
  /** `productKey/deviceName` to number. */
  readonly devices: Database<number, string>
  readonly deviceRecords: Database<DeviceRecord, number>
  readonly states: Database<StateValue, number>
  /** Numbers whose stored row says online. */
  readonly online: Database<true, number>
  readonly accessKeys: Database<AccessKeyValue, string>
  /** Rows of retained messages, by space and topic (retained-store.ts). */
  readonly retained: Database<Buffer, Buffer>
  // Sessions that outlive their connections (session-store.ts), by their numbers.
  readonly sessions: Database<Buffer, number>
  readonly sessionCursors: Database<Buffer, number>
  /** When something is due, and of which session. */
  readonly sessionDue: Database<Buffer, Buffer>
  /** What waits for a session: [messages, bytes]. */
  readonly queueTotals: Database<readonly [number, number], number>
  /** By session and order: the log of a message, and how the session wants it. */
  readonly queues: Database<Buffer, Buffer>
  /** Messages that wait, by their order. */
  readonly messages: Database<Buffer, number>
  /** For how many sessions each waits. */
  readonly messageUses: Database<number, number>
}

/** One step from the format before it; runs in the transaction that also stores the new version. */
export interface Migration {
  readonly to: number
  readonly run: (databases: Databases) => void
}

/** Format 1 is the first. Add a step behind, never change one that was released. */
const MIGRATIONS: readonly Migration[] = []

export interface EnvironmentOptions {
  /** `data/store` */
  readonly path: string
  readonly readOnly: boolean
  readonly migrations?: readonly Migration[]
}

export class Environment {
  readonly databases: Databases
  readonly #root: RootDatabase
  #closed: Promise<void> | undefined

  /**
   * @throws data.newer where a later version wrote the store, data.unreadable where a reader finds
   *   none, or one that its writer has not migrated
   */
  static open(options: EnvironmentOptions): Environment {
    return new Environment(options)
  }

  private constructor(options: EnvironmentOptions) {
    const { path, readOnly, migrations = MIGRATIONS } = options
    const settings = {
      path,
      readOnly,
      noSubdir: false, // the path of a data directory may end like a file's
      overlappingSync: false,
      mapSize: MAP_BYTES,
      maxReaders: MAX_READERS,
      maxDbs: MAX_DATABASES,
      permissionsMode: 0o600,
      encoding: 'msgpack' as const,
      useRecords: false, // plain maps: a row is readable without the rows around it
    }
    this.#root = open(settings)
    try {
      this.databases = openDatabases(this.#root, path)
      const version = checkVersion(this.databases, 1 + migrations.length, path)
      if (readOnly) {
        if (version !== 1 + migrations.length) {
          throw new PlatformError('data.unreadable', `${path} has not been opened by its writer`)
        }
      } else this.#migrate(version, migrations)
    } catch (error) {
      void this.close()
      throw error
    }
  }

  /** What is read next is what is committed now: within a turn lmdb keeps its first snapshot. */
  refresh(): void {
    this.#root.resetReadTxn()
  }

  /**
   * Runs the change in the next commit, together with others that were asked for meanwhile; resolves
   * once that is on disk. The change checks before it writes: where it throws, what it wrote stays.
   */
  transaction<T>(change: () => T): Promise<T> {
    return this.#root.transaction(change)
  }

  /** Begins a new incarnation of the process: 1 at the first start. */
  raiseIncarnation(): number {
    const { meta } = this.databases
    return this.#root.transactionSync(() => {
      const incarnation = ((meta.get(INCARNATION) as number | undefined) ?? 0) + 1
      void meta.put(INCARNATION, incarnation)
      return incarnation
    })
  }

  /** After everything asked for is committed. */
  close(): Promise<void> {
    this.#closed ??= this.#root.close()
    return this.#closed
  }

  #migrate(from: number, migrations: readonly Migration[]): void {
    const { meta } = this.databases
    if (from === 0) meta.putSync(FORMAT_VERSION, 1 + migrations.length) // new: made in today's format
    for (const migration of migrations) {
      if (from === 0 || migration.to <= from) continue
      this.#root.transactionSync(() => {
        migration.run(this.databases)
        void meta.put(FORMAT_VERSION, migration.to)
      })
    }
  }
}

function openDatabases(root: RootDatabase, path: string): Databases {
  function named<V, K extends string | number>(name: string, keys?: 'uint32'): Database<V, K> {
    const database: Database<V, K> | undefined = root.openDB<V, K>({
      name,
      ...(keys === undefined ? {} : { keyEncoding: keys }),
    })
    if (database !== undefined) return database
    throw new PlatformError('data.unreadable', `${path} has no database ${name}`)
  }
  function bytes<K extends Buffer | number>(name: string, keys?: 'uint32'): Database<Buffer, K> {
    const database: Database<Buffer, K> | undefined = root.openDB<Buffer, K>({
      name,
      encoding: 'binary',
      ...(keys === undefined ? {} : { keyEncoding: keys }),
    })
    if (database !== undefined) return database
    throw new PlatformError('data.unreadable', `${path} has no database ${name}`)
  }
  function byBytes(name: string): Database<Buffer, Buffer> {
    const options = { name, keyEncoding: 'binary', encoding: 'binary' } as const
    const database: Database<Buffer, Buffer> | undefined = root.openDB<Buffer, Buffer>(options)
    if (database !== undefined) return database
    throw new PlatformError('data.unreadable', `${path} has no database ${name}`)
  }
  return {
    meta: named('meta'),
    products: named('products'),
    models: named('models'),
    devices: named('devices'),
    deviceRecords: named('deviceRecords', 'uint32'),
    states: named('states', 'uint32'),
    online: named('online', 'uint32'),
    accessKeys: named('accessKeys'),
    retained: byBytes('retained'),
    sessions: bytes('sessions', 'uint32'),
    sessionCursors: bytes('sessionCursors', 'uint32'),
    sessionDue: byBytes('sessionDue'),
    queueTotals: named('queueTotals', 'uint32'),
    queues: byBytes('queues'),
    messages: bytes('messages'),
    messageUses: named('messageUses'),
  }
}

/** The stored version, 0 for a new store. */
function checkVersion({ meta }: Databases, known: number, path: string): number {
  const version = (meta.get(FORMAT_VERSION) as number | undefined) ?? 0
  if (version <= known) return version
  throw new PlatformError(
    'data.newer',
    `${path} was written by a newer Tidegate (format ${version}, this one reads up to ${known}): ` +
      'run that version, or restore a backup from before',
    { details: { path, version, known } },
  )
}
