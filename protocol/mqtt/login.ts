/**
 * Who may come in through a listener, and as what. Device signatures and access keys are checked at once in
 * the shard; only a hook of the embedding program takes its time.
 */
import type { IConnectPacket } from 'mqtt-packet'
import type { AccessPolicy } from '../../core/domain/access-policy.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { ListenerAuth } from '../../core/domain/settings.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import { authenticateAccessKey } from '../auth/access-key-credentials.ts'
import { connackCode } from '../auth/connack-code.ts'
import { authenticateDevice } from '../auth/device-credentials.ts'

interface LoginRequest {
  readonly connect: IConnectPacket
  readonly secure: boolean
  readonly address: string
}

export type LoginOutcome =
  | {
      readonly kind: 'device'
      readonly device: Device
      readonly systemTopicsSubscribed: boolean
      readonly hint: string | undefined
    }
  | {
      readonly kind: 'client'
      /** Whose client identifiers these are: two keys never take each other's over. */
      readonly owner: string
      readonly policy: AccessPolicy
    }
  | {
      readonly kind: 'refused'
      readonly reason: string
      readonly message: string
      readonly code3: number
      readonly code5: number
    }

/** Calls back once, now or later. */
export type Login = (request: LoginRequest, done: (outcome: LoginOutcome) => void) => void

/** What an embedding program answers for a client of a `hook` listener; `undefined` refuses it. */
export type LoginHook = (request: {
  readonly clientId: string
  readonly userName: string | undefined
  readonly password: Uint8Array | undefined
  readonly address: string
  readonly secure: boolean
}) => Promise<AccessPolicy | undefined>

const EVERYTHING: AccessPolicy = { publish: ['#'], subscribe: ['#', '$SYS/#'] }

export interface LoginParts {
  readonly registry: RegistryReader
  readonly strictSecureMode: boolean
  readonly hook: LoginHook | undefined
}

export function loginFor(auth: ListenerAuth, parts: LoginParts): Login {
  switch (auth) {
    case 'device':
      return (request, done) => {
        // A device's user name is `{dn}&{pk}`; a key id contains no `&`.
        const device = request.connect.username?.includes('&') ?? true
        done(device ? deviceLogin(request, parts) : keyLogin(request, parts))
      }
    case 'password':
      return (request, done) => done(keyLogin(request, parts))
    case 'anonymous':
      return (_request, done) => done({ kind: 'client', owner: '', policy: EVERYTHING })
    case 'hook':
      return (request, done) => void answerHook(request, parts.hook, done)
  }
}

function deviceLogin(request: LoginRequest, parts: LoginParts): LoginOutcome {
  const { connect, secure } = request
  const outcome = authenticateDevice(
    parts.registry,
    {
      clientId: connect.clientId,
      userName: connect.username,
      password: connect.password,
      secure,
    },
    { strictSecureMode: parts.strictSecureMode },
  )
  if (outcome.kind === 'refused') return refused(outcome.reason, outcome.message)
  const { device, systemTopicsSubscribed, hint } = outcome
  return { kind: 'device', device, systemTopicsSubscribed, hint }
}

function keyLogin(request: LoginRequest, parts: LoginParts): LoginOutcome {
  const { username, password } = request.connect
  const outcome = authenticateAccessKey(parts.registry, username, password)
  if (outcome.kind === 'refused') return refused(outcome.reason, outcome.message)
  const policy = outcome.key.mqtt
  if (policy === undefined) return refused('no-mqtt-policy', 'the key grants no MQTT access')
  return { kind: 'client', owner: outcome.key.id, policy }
}

async function answerHook(
  request: LoginRequest,
  hook: LoginHook | undefined,
  done: (outcome: LoginOutcome) => void,
): Promise<void> {
  done(await hookLogin(request, hook))
}

async function hookLogin(
  request: LoginRequest,
  hook: LoginHook | undefined,
): Promise<LoginOutcome> {
  const { connect, secure, address } = request
  const { clientId, username: userName, password } = connect
  try {
    const policy = await hook?.({ clientId, userName, password, address, secure })
    if (policy === undefined) return refused('hook-refused', 'the server does not know this client')
    return { kind: 'client', owner: userName ?? '', policy }
  } catch {
    return refused('hook-failed', 'the login could not be checked; try again later')
  }
}

function refused(
  reason: Parameters<typeof connackCode>[0],
  message: string,
): LoginOutcome & { kind: 'refused' } {
  const { v3, v5 } = connackCode(reason)
  return { kind: 'refused', reason, message, code3: v3, code5: v5 }
}
