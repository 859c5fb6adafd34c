/**
 * The three functions of the Reflect Metadata proposal that `@peculiar/x509`'s container asks for when it is
 * loaded. It registers its classes by hand and keeps next to nothing in them, so a weak map is enough. What the
 * embedding program has already defined is left alone. Import it before the package.
 */
type Metadata = Map<unknown, unknown>

interface MetadataReflect {
  defineMetadata?: (key: unknown, value: unknown, target: object) => void
  getOwnMetadata?: (key: unknown, target: object) => unknown
  getMetadata?: (key: unknown, target: object) => unknown
}

const kept = new WeakMap<object, Metadata>()
const reflect = Reflect as MetadataReflect

if (reflect.getMetadata === undefined) {
  reflect.defineMetadata = (key, value, target) => {
    const metadata = kept.get(target) ?? new Map<unknown, unknown>()
    kept.set(target, metadata.set(key, value))
  }
  reflect.getOwnMetadata = (key, target) => kept.get(target)?.get(key)
  reflect.getMetadata = (key, target) => {
    let at: object | null = target
    while (at !== null) {
      if (kept.get(at)?.has(key) === true) return kept.get(at)?.get(key)
      at = Object.getPrototypeOf(at) as object | null
    }
    return undefined
  }
}
