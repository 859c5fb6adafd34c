/** Compiled thing models of a shard, by product. At the bound the oldest is compiled anew when next needed. */
import { compileThingModel, type ThingModel } from '../../core/domain/thing-model/thing-model.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'

const MAX_MODELS = 1024 // a compiled model of 30 properties takes some 20 KiB

export class ModelCache {
  readonly #registry: RegistryReader
  readonly #models = new Map<string, ThingModel>()

  constructor(registry: RegistryReader) {
    this.#registry = registry
  }

  /** A product without a thing model has an empty one: every property is unknown to it. */
  readonly modelOf = (productKey: string): ThingModel => {
    const cached = this.#models.get(productKey)
    if (cached !== undefined) return cached
    const validation = this.#registry.product(productKey)?.validation ?? 'weak'
    const model = compileThingModel(this.#registry.model(productKey) ?? EMPTY_TSL, validation)
    const [oldest] = this.#models.keys()
    if (this.#models.size >= MAX_MODELS && oldest !== undefined) this.#models.delete(oldest)
    this.#models.set(productKey, model)
    return model
  }

  readonly forget = (productKey: string): void => {
    this.#models.delete(productKey)
  }
}

const EMPTY_TSL = { properties: [], events: [], services: [] }
