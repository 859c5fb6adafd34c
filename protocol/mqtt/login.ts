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
  /** Where the client asks for extended authentication. */
  readonly authentication: AuthenticationStep | undefined
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
      /** The last word of an extended authentication. */
      readonly data?: Uint8Array | undefined
    }
  /** The client is asked to go on with its extended authentication. */
  | { readonly kind: 'continue'; readonly data: Uint8Array | undefined }
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

/** One step of an extended authentication (MQTT 5.0 §4.12), as the client has said it. */
export interface AuthenticationStep {
  /** Names the exchange: the same in all its rounds, and no other has it. */
  readonly exchange: string
  /** From 1: CONNECT, or the AUTH that renews; then each AUTH. */
  readonly round: number
  readonly method: string
  readonly data: Uint8Array | undefined
  /** The client is connected, and keeps its rights until this is done. */
  readonly renews: boolean
}

/** What an embedding program answers to a step; `undefined` refuses the client. */
export type AuthenticationDecision =
  | { readonly kind: 'continue'; readonly data?: Uint8Array }
  | { readonly kind: 'granted'; readonly policy: AccessPolicy; readonly data?: Uint8Array }
  /** It does not know the method: 0x8C. */
  | { readonly kind: 'unknown-method' }
  | undefined

/** Decides an extended authentication on a `hook` listener. An exchange that the client breaks off is not told. */
export type AuthenticationHook = (
  request: Parameters<LoginHook>[0] & AuthenticationStep,
) => Promise<AuthenticationDecision>

const EVERYTHING: AccessPolicy = { publish: ['#'], subscribe: ['#', '$SYS/#'] }

export interface LoginParts {
  readonly registry: RegistryReader
  readonly strictSecureMode: boolean
  readonly hook: LoginHook | undefined
  readonly authenticate: AuthenticationHook | undefined
}

export function loginFor(auth: ListenerAuth, parts: LoginParts): Login {
  const simple = simpleLogin(auth, parts)
  return (request, done) => {
    if (request.authentication === undefined) simple(request, done)
    else if (auth === 'hook') void answerStep(request, request.authentication, parts, done)
    else done(refused('auth-method', 'this listener knows no extended authentication'))
  }
}

function simpleLogin(auth: ListenerAuth, parts: LoginParts): Login {
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

async function answerStep(
  request: LoginRequest,
  step: AuthenticationStep,
  parts: LoginParts,
  done: (outcome: LoginOutcome) => void,
): Promise<void> {
  done(await authenticate(request, step, parts))
}

async function authenticate(
  { connect, secure, address }: LoginRequest,
  step: AuthenticationStep,
  { authenticate: hook }: LoginParts,
): Promise<LoginOutcome> {
  const { clientId, username: userName, password } = connect
  try {
    const request = { clientId, userName, password, address, secure, ...step }
    const decision = await hook?.(request)
    switch (decision?.kind) {
      case 'continue':
        return { kind: 'continue', data: decision.data }
      case 'granted': {
        const { policy, data } = decision
        return { kind: 'client', owner: userName ?? '', policy, data }
      }
      case 'unknown-method': // [MQTT-4.12.0-1]
        return refused('auth-method', `${step.method} is no method of this server`)
      case undefined: // [MQTT-4.12.0-4]
        return refused('hook-refused', 'the server does not know this client')
    }
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
