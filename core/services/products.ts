/** Products: what devices of one kind have in common. Owned by the main thread, as all services. */
import { PlatformError } from '../domain/errors.ts'
import { productKey } from '../domain/identifiers.ts'
import type { Page, Product, Validation } from '../domain/registry.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { Random } from '../ports/random.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import type { RegistryWriter } from '../ports/registry-writer.ts'
import { newProductKey } from './generated.ts'
import { faulty, requireProduct } from './input.ts'

const MAX_NAME_CHARS = 64

export interface ProductRequest {
  /** 1 to 64 characters; its key where absent. */
  readonly name?: string
  /** 10 to 20 characters; made where absent, given to bring a product from elsewhere. */
  readonly productKey?: string
  /** `weak` where absent. */
  readonly validation?: Validation
}

export interface ProductPatch {
  readonly name?: string
  readonly validation?: Validation
}

export interface ProductPorts {
  readonly reader: RegistryReader
  readonly writer: RegistryWriter
  readonly owner: DeviceOwner
  readonly clock: Clock
  readonly random: Random
}

export class Products {
  readonly #ports: ProductPorts

  constructor(ports: ProductPorts) {
    this.#ports = ports
  }

  /** @throws request.invalid, product.exists */
  async create(request: ProductRequest): Promise<Product> {
    const { writer, clock, random } = this.#ports
    const key =
      request.productKey === undefined ? newProductKey(random) : productKey(request.productKey)
    if (key === undefined) {
      throw faulty('request.invalid', [
        { path: '/productKey', message: 'must be 11 letters and digits' },
      ])
    }
    const product: Product = {
      productKey: key,
      name: request.name === undefined ? key : checkedName(request.name),
      validation: request.validation ?? 'weak',
      createdAt: clock.now(),
    }
    await writer.createProduct(product)
    return product
  }

  /** @throws product.not-found */
  get(key: string): Product {
    return requireProduct(this.#ports.reader, key)
  }

  /** In key order; limit 1 to 1,000. */
  list(after: string | undefined, limit: number): Page<Product> {
    return this.#ports.reader.products(after, limit)
  }

  /**
   * A change of `validation` holds for the next message of every device.
   *
   * @throws product.not-found, request.invalid
   */
  async update(key: string, patch: ProductPatch): Promise<Product> {
    const { reader, writer, owner } = this.#ports
    const before = requireProduct(reader, key)
    const after = await writer.updateProduct(before.productKey, {
      ...(patch.name === undefined ? {} : { name: checkedName(patch.name) }),
      ...(patch.validation === undefined ? {} : { validation: patch.validation }),
    })
    if (after.validation !== before.validation) await owner.productChanged(before.productKey)
    return after
  }

  /** Removes the product and its thing model. @throws product.not-found, product.not-empty */
  async delete(key: string): Promise<Product> {
    const { reader, writer, owner } = this.#ports
    const product = requireProduct(reader, key)
    try {
      await writer.deleteProduct(product.productKey)
    } catch (error) {
      throw withNextStep(product, error)
    }
    await owner.productChanged(product.productKey)
    return product
  }
}

/** The same error, telling how many devices stand in the way and what to do about them. */
function withNextStep(product: Product, error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.code !== 'product.not-empty') return error
  const count = error.details?.['devices']
  const devices = count === 1 ? '1 device' : `${String(count)} devices`
  return new PlatformError(
    'product.not-empty',
    `Product ${product.productKey} still has ${devices}; delete them first, then the product.`,
    { cause: error, details: { devices: count } },
  )
}

function checkedName(raw: string): string {
  const name = raw.trim()
  const length = Array.from(name).length
  if (length >= 1 && length <= MAX_NAME_CHARS) return name
  throw faulty('request.invalid', [
    { path: '/name', message: `must be 1 to ${MAX_NAME_CHARS} characters` },
  ])
}
