/**
 * A thing model made ready to check values: closures built once, in microseconds, and then called per
 * message. Immutable; a shard keeps one per product and compiles anew when the model changes.
 *
 * What devices send is held against the model as the product asks (`none`, `weak`, `strong`); what
 * the platform sends to devices always strongly (tsl.md §4).
 *
 * Members of other modules (`block:identifier`) are not part of a model: they are unknown.
 */
import type { Violation } from '../device-message.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { Validation } from '../registry.ts'
import { isWritable, type Tsl, type TslService } from './tsl.ts'
import {
  type ParamsCheck,
  paramsCheck,
  TSL_CODE,
  unknownParameter,
  type ValueCheck,
  valueCheck,
  within,
} from './value-check.ts'

export type EventCheck =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ok'; readonly name: string; readonly type: string }
  | {
      readonly kind: 'violation'
      readonly code: number
      readonly message: string
      readonly name: string
      readonly type: string
    }

export interface PropertyViolation extends Violation {
  readonly identifier: string
}

const SERVICE_UNKNOWN = 6206
const PROPERTY_UNKNOWN = 6320
const NOT_CONFORMING = 6332

const UNKNOWN_EVENT: EventCheck = { kind: 'unknown' }

export function compileThingModel(tsl: Tsl, validation: Validation): ThingModel {
  return new ThingModel(tsl, validation)
}

interface EventRule {
  /** What a good event is answered: one object for all of them. */
  readonly ok: { readonly kind: 'ok'; readonly name: string; readonly type: string }
  readonly check: ParamsCheck
}

interface PropertyRule {
  readonly writable: boolean
  /** As the product asks of its devices. */
  readonly check: ValueCheck
  readonly strongCheck: ValueCheck
}

interface ServiceRule {
  readonly service: TslService
  readonly checkInputs: ParamsCheck
}

export class ThingModel {
  readonly #validated: boolean
  readonly #properties = new Map<string, PropertyRule>()
  readonly #events = new Map<string, EventRule>()
  readonly #services = new Map<string, ServiceRule>()

  /** Use `compileThingModel`. */
  constructor(tsl: Tsl, validation: Validation) {
    this.#validated = validation !== 'none'
    const strictness = validation === 'strong' ? 'strong' : 'weak'
    for (const property of tsl.properties) {
      const strongCheck = valueCheck(property.dataType, 'strong')
      this.#properties.set(property.identifier, {
        writable: isWritable(property),
        check: strictness === 'strong' ? strongCheck : valueCheck(property.dataType, 'weak'),
        strongCheck,
      })
    }
    for (const { identifier, name, type, outputData } of tsl.events) {
      const check = paramsCheck(outputData, strictness, undefined)
      this.#events.set(identifier, { ok: { kind: 'ok', name, type }, check })
    }
    for (const service of tsl.services) {
      const checkInputs = paramsCheck(service.inputData, 'strong', TSL_CODE.inputMissing)
      this.#services.set(service.identifier, { service, checkInputs })
    }
  }

  /** One value of a property post. `undefined`: good. */
  checkProperty(identifier: string, value: JsonValue): Violation | undefined {
    if (!this.#validated) return undefined
    const rule = this.#properties.get(identifier)
    if (rule === undefined) return unknownParameter(identifier)
    const violation = rule.check(value)
    return violation === undefined ? undefined : within(identifier, violation)
  }

  /** Without validation an event that the model does not know passes as `info` under its identifier. */
  checkEvent(identifier: string, value: JsonObject): EventCheck {
    const rule = this.#events.get(identifier)
    if (rule === undefined) {
      return this.#validated ? UNKNOWN_EVENT : { kind: 'ok', name: identifier, type: 'info' }
    }
    const { ok } = rule
    const violation = this.#validated ? rule.check(value) : undefined
    if (violation === undefined) return ok
    const { code, message } = within(identifier, violation)
    return { kind: 'violation', code, message, name: ok.name, type: ok.type }
  }

  /** Inputs of a call, always strongly; every input of the model must be given (6302). */
  checkServiceInputs(identifier: string, inputs: JsonObject): Violation | undefined {
    const rule = this.#services.get(identifier)
    if (rule === undefined) {
      return { code: SERVICE_UNKNOWN, message: `${identifier} is not a service of the thing model` }
    }
    const violation = rule.checkInputs(inputs)
    return violation === undefined ? undefined : within(identifier, violation)
  }

  /** Values that the platform asks a device to take, always strongly. The first violation, or `undefined`. */
  checkPropertySet(values: JsonObject): PropertyViolation | undefined {
    for (const [identifier, value] of Object.entries(values)) {
      const rule = this.#properties.get(identifier)
      if (rule === undefined) {
        const message = `${identifier} is not a property of the thing model`
        return { code: PROPERTY_UNKNOWN, message, identifier }
      }
      if (!rule.writable) {
        return { code: NOT_CONFORMING, message: `${identifier} is read-only`, identifier }
      }
      const violation = rule.strongCheck(value)
      if (violation !== undefined) return { ...within(identifier, violation), identifier }
    }
    return undefined
  }

  service(identifier: string): TslService | undefined {
    return this.#services.get(identifier)?.service
  }
}
