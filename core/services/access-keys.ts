/** Access keys: the credentials of back ends and operators, on the management API and on MQTT. */
import { type AccessPolicy, policyFault } from '../domain/access-policy.ts'
import type { AccessKey, ApiRole, Page } from '../domain/registry.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import type { RegistryWriter } from '../ports/registry-writer.ts'
import { newKeyId, newKeySecret } from './generated.ts'
import { faulty } from './input.ts'

const MAX_NOTE_CHARS = 128

export interface AccessKeyRequest {
  /** At most 128 characters. */
  readonly note?: string
  /** `none` where absent. */
  readonly api?: ApiRole
  /** No MQTT at all where absent. */
  readonly mqtt?: AccessPolicy
}

/** The only time that the secret is told. */
export interface IssuedKey extends AccessKey {
  readonly secret: string
}

export interface AccessKeyPorts {
  readonly reader: RegistryReader
  readonly writer: RegistryWriter
  readonly clock: Clock
  readonly random: Random
}

export class AccessKeys {
  readonly #ports: AccessKeyPorts

  constructor(ports: AccessKeyPorts) {
    this.#ports = ports
  }

  /** @throws request.invalid */
  async create(request: AccessKeyRequest): Promise<IssuedKey> {
    const { writer, clock, random } = this.#ports
    const { note = '', api = 'none', mqtt } = request
    if (Array.from(note).length > MAX_NOTE_CHARS) {
      throw faulty('request.invalid', [
        { path: '/note', message: `must be at most ${MAX_NOTE_CHARS} characters` },
      ])
    }
    if (api === 'none' && mqtt === undefined) {
      throw faulty('request.invalid', [
        { path: '', message: 'a key that may do nothing: give it an api role or mqtt filters' },
      ])
    }
    const fault = mqtt === undefined ? undefined : policyFault(mqtt)
    if (fault !== undefined) throw faulty('request.invalid', [{ path: '/mqtt', message: fault }])
    const key: AccessKey = { id: newKeyId(random), note, api, mqtt, createdAt: clock.now() }
    const secret = newKeySecret(random)
    await writer.putAccessKey(key, secret)
    return { ...key, secret }
  }

  /** In id order; limit 1 to 1,000. Never with a secret. */
  list(after: string | undefined, limit: number): Page<AccessKey> {
    return this.#ports.reader.accessKeys(after, limit)
  }

  /** @throws key.not-found */
  async delete(id: string): Promise<AccessKey> {
    return this.#ports.writer.deleteAccessKey(id)
  }
}
