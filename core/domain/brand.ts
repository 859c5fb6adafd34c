declare const brand: unique symbol

/** A primitive that went through its one checking constructor; see `identifiers.ts`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
