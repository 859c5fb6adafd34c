/**
 * What devices and the platform say to each other, without topics or JSON text: any dialect
 * (Alink over MQTT today) translates to and from these values.
 */
import type { DeviceIdentity, MessageId } from './identifiers.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** A request id as the device sent it: answers echo it in its own type (alink.md §1). */
export type RequestId = string | number | undefined

/** Codes an answer may carry; the full table is alink.md §13. */
export const CODE = {
  success: 200,
  parameterError: 460,
  tooManyProperties: 6106,
  notJson: 6207,
  validationUnavailable: 6313,
  timeMalformed: 6326,
  unknownParameter: 6304,
  undefinedMethod: 6831,
} as const

/** One value of a property post; `timeMs` where the device gave a time (ms UTC). */
export interface PostedValue {
  readonly identifier: string
  readonly value: JsonValue
  readonly timeMs: number | undefined
}

export interface PropertyPost {
  readonly kind: 'property-post'
  readonly id: RequestId
  readonly values: readonly PostedValue[]
}

export interface EventPost {
  readonly kind: 'event-post'
  readonly id: RequestId
  readonly identifier: string
  readonly value: JsonObject
  readonly timeMs: number | undefined
}

/** What a device answers to a command; `id` is the message id of the command. */
export interface CommandReply {
  readonly kind: 'command-reply'
  readonly id: RequestId
  /** `undefined` for a property set. */
  readonly service: string | undefined
  readonly code: number
  readonly message: string
  readonly data: JsonValue
}

export type Uplink = PropertyPost | EventPost | CommandReply

/** A value that was held back by validation, and why (alink.md §13). */
export interface Violation {
  readonly code: number
  readonly message: string
}
export interface RejectedValue extends Violation {
  readonly identifier: string
  readonly value: JsonValue
  readonly timeMs: number
}

/** What an uplink is answered; rejected values do not spoil the others (alink.md §2.1). */
export type Answer =
  | { readonly kind: 'accepted'; readonly rejected: readonly RejectedValue[] }
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  | { readonly kind: 'silent' }

/** What the platform asks of a device. */
export type Command =
  | { readonly kind: 'property-set'; readonly values: JsonObject }
  | { readonly kind: 'service-call'; readonly service: string; readonly inputs: JsonObject }

/** A command under its message id, as it goes down. */
export interface IssuedCommand {
  readonly id: MessageId
  readonly command: Command
}

/** What became of a command; `sent` where nobody waited for the reply. */
export type CommandOutcome =
  | { readonly kind: 'sent'; readonly id: MessageId }
  | {
      readonly kind: 'answered'
      readonly id: MessageId
      readonly code: number
      readonly message: string
      readonly data: JsonValue
    }

/** A raw message for one device's custom topic; `suffix` begins behind `/{pk}/{dn}/`. */
export interface CustomDownlink {
  readonly device: DeviceIdentity
  readonly suffix: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
}
