/** Packets byte by byte, for what no library would write. */

export type Part = number | Uint8Array | readonly number[]

/** A packet with its remaining length. */
export function packet(first: number, ...parts: readonly Part[]): Uint8Array {
  const body = parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))
  return Uint8Array.from([
    first,
    ...(body.length < 128 ? [body.length] : varint(body.length)),
    ...body,
  ])
}

/** With its length in front; a string as UTF-8. */
export function field(text: string | readonly number[]): number[] {
  const bytes = typeof text === 'string' ? [...Buffer.from(text)] : text
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes]
}

export function list(...parts: readonly Part[]): number[] {
  const bytes = parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))
  return [...varint(bytes.length), ...bytes]
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}

/** CONNECT: flags, properties, and what follows them. */
export function connect(level: number, flags: number, ...parts: readonly Part[]): Uint8Array {
  return packet(0x10, field(level === 3 ? 'MQIsdp' : 'MQTT'), level, flags, [0, 60], ...parts)
}

/** A packet id, an empty property list, a short string, and bytes that are no text. */
export const ID: readonly number[] = [0, 7]
export const NONE: readonly number[] = [0]
export const T: readonly number[] = field('t')
export const NOT_UTF8: readonly number[] = [0xc3, 0x28]
