/** Thing models of products, brought in and handed out as TSL (tsl.md §1). */
import { PlatformError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { exportTsl } from '../domain/thing-model/export-tsl.ts'
import { parseTsl } from '../domain/thing-model/parse-tsl.ts'
import type { Tsl } from '../domain/thing-model/tsl.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import type { RegistryWriter } from '../ports/registry-writer.ts'
import { type FieldFault, faulty, requireProduct } from './input.ts'

/** What a model says, counted: enough to see that the right file was brought in. */
export interface ModelSummary {
  readonly productKey: string
  readonly properties: number
  readonly events: number
  readonly services: number
}

export interface ThingModelPorts {
  readonly reader: RegistryReader
  readonly writer: RegistryWriter
  readonly owner: DeviceOwner
}

export class ThingModels {
  readonly #ports: ThingModelPorts

  constructor(ports: ThingModelPorts) {
    this.#ports = ports
  }

  /**
   * Replaces the product's model; holds for the next message of every device.
   *
   * @throws product.not-found, model.invalid (details.errors: path and message of every fault)
   */
  async import(productKey: string, input: unknown): Promise<ModelSummary> {
    const { reader, writer, owner } = this.#ports
    const product = requireProduct(reader, productKey)
    const parsed = parseTsl(input)
    if (parsed.kind === 'invalid') throw faulty('model.invalid', atLeastOne(parsed.faults))
    await writer.putModel(product.productKey, parsed.tsl)
    await owner.productChanged(product.productKey)
    return summary(product.productKey, parsed.tsl)
  }

  /** As a device or the original would read it. @throws product.not-found, model.missing */
  export(productKey: string): JsonObject {
    const product = requireProduct(this.#ports.reader, productKey)
    return exportTsl(requireModel(this.#ports.reader, product.productKey), product.productKey)
  }
}

/** @throws model.missing */
export function requireModel(reader: RegistryReader, productKey: string): Tsl {
  const tsl = reader.model(productKey)
  if (tsl !== undefined) return tsl
  throw new PlatformError(
    'model.missing',
    `Product ${productKey} has no thing model; import one first.`,
  )
}

function summary(productKey: string, tsl: Tsl): ModelSummary {
  return {
    productKey,
    properties: tsl.properties.length,
    events: tsl.events.length,
    services: tsl.services.length,
  }
}

function atLeastOne(faults: readonly FieldFault[]): readonly [FieldFault, ...FieldFault[]] {
  const [first = { path: '', message: 'is not a thing model' }, ...others] = faults
  return [first, ...others]
}
