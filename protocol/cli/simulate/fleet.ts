/**
 * The simulated devices in the registry: `sim-00001` and on. Their secrets come from the access key,
 * so that a later run with the same key finds devices that it can speak for.
 */
import type { JsonObject } from '../../../core/domain/json.ts'
import type { BatchOutcome } from '../../../core/services/devices.ts'
import { type ApiClient, ApiError, pathTo } from '../api-client.ts'
import { UsageError } from '../terminal.ts'
import type { SimIdentity } from './sign-in.ts'
import { numericProperties, type Range, ROOM } from './walk.ts'

/** What five digits can name. */
export const MAX_DEVICES = 99_999
const BATCH = 500
const DELETIONS = 8
const DEFAULT_PROPERTY = 'temperature'

export interface Subject {
  readonly property: string
  readonly range: Range
  /** Why posts will not be kept, where the model does not know the property. */
  readonly warning: string | undefined
}

/** Registers those that are missing; returns how many those were. */
export async function registerFleet(
  api: ApiClient,
  identities: readonly SimIdentity[],
): Promise<number> {
  let made = 0
  for (let start = 0; start < identities.length; start += BATCH) {
    const part = identities.slice(start, start + BATCH)
    const devices = part.map(({ deviceName, deviceSecret }) => ({ deviceName, deviceSecret }))
    const path = pathTo('products', part[0]?.productKey ?? '', 'devices', 'batch')
    const outcome = await api.post<BatchOutcome>(path, { devices })
    const failure = outcome.failed.find((fault) => fault.code !== 'device.exists')
    if (failure !== undefined) throw new ApiError(failure.message, { code: failure.code })
    made += outcome.registered.length
  }
  return made
}

/** Removes every one that is there; returns how many those were. */
export async function deleteFleet(
  api: ApiClient,
  identities: readonly SimIdentity[],
): Promise<number> {
  const left = [...identities]
  let removed = 0
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      try {
        await api.delete(pathTo('products', next.productKey, 'devices', next.deviceName))
        removed += 1
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'device.not-found') throw error
      }
    }
  }
  await Promise.all(Array.from({ length: DELETIONS }, worker))
  return removed
}

export function fleet(api: ApiClient, productKey: string, count: number): readonly SimIdentity[] {
  return Array.from({ length: count }, (_, i) => {
    const deviceName = `sim-${String(i + 1).padStart(5, '0')}`
    const deviceSecret = api.derive(`simulate ${productKey} ${deviceName}`)
    return { productKey, deviceName, deviceSecret }
  })
}

/** The property to post: as asked, else `temperature`, else the model's first number. */
export async function chooseSubject(
  api: ApiClient,
  productKey: string,
  asked: string | undefined,
): Promise<Subject> {
  const known = await modelNumbers(api, productKey)
  const property = asked ?? (known.has(DEFAULT_PROPERTY) ? undefined : known.keys().next().value)
  const chosen = property ?? DEFAULT_PROPERTY
  const range = known.get(chosen)
  if (range !== undefined) return { property: chosen, range, warning: undefined }
  if (known.size > 0) {
    const names = [...known.keys()].join(', ')
    throw new UsageError(`--property: ${chosen} is no number in the thing model; it has ${names}.`)
  }
  const warning = `The thing model of ${productKey} has no number: posts are answered, but no value is kept.`
  return { property: chosen, range: ROOM, warning }
}

async function modelNumbers(
  api: ApiClient,
  productKey: string,
): Promise<ReadonlyMap<string, Range>> {
  try {
    return numericProperties(await api.get<JsonObject>(pathTo('products', productKey, 'model')))
  } catch (error) {
    if (error instanceof ApiError && error.code === 'model.missing') return new Map()
    throw error
  }
}
