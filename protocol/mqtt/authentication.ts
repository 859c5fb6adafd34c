/**
 * The extended authentication of one connection (§4.12): which method, which exchange, which round, and its packets.
 * What they mean is the embedding program's to say; it tells exchanges apart by their names. Made where a CONNECT
 * names a method.
 */
import type { IConnectPacket } from 'mqtt-packet'
import { UNLIMITED } from './connect-rules.ts'
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import { FAULT } from './faults.ts'
import type { AuthenticationStep } from './login.ts'
import type { Output } from './output.ts'
import { type AuthenticationAnswer, writeAuth } from './packet-writer.ts'
import { type Fault, REASON, type ReasonCode } from './reason-code.ts'

export class Authentication {
  readonly #method: string
  readonly #name: string
  readonly #around: ConnectionSurroundings
  readonly #output: Output
  /** Of the client (§3.1.2.11.4). */
  readonly #maximumPacketSize: number
  #data: Buffer | undefined
  #lastWord: Uint8Array | undefined = undefined
  #round = 0
  /** Of a connected client; it goes on with its old rights until it is done. */
  #renews = false
  #open = true
  /** The program has not answered yet. */
  #asked = false

  constructor(
    method: string,
    properties: NonNullable<IConnectPacket['properties']>,
    output: Output,
    around: ConnectionSurroundings,
  ) {
    this.#method = method
    this.#data = properties.authenticationData
    this.#maximumPacketSize = properties.maximumPacketSize ?? UNLIMITED
    this.#output = output
    this.#around = around
    this.#name = Buffer.from(around.random.bytes(12)).toString('hex')
  }

  /** `undefined`: the client asks for none, and hears of none [MQTT-4.12.0-6]. A fault: data without a method. */
  static of(
    { properties = {} }: IConnectPacket,
    output: Output,
    around: ConnectionSurroundings,
  ): Authentication | Fault | undefined {
    const { authenticationMethod: method, authenticationData: data } = properties
    if (method !== undefined) return new Authentication(method, properties, output, around)
    return data === undefined ? undefined : FAULT.authData
  }

  /** What CONNACK says of it. */
  get answer(): AuthenticationAnswer {
    return { method: this.#method, data: this.#lastWord }
  }

  /** What the client has said last, for the program. */
  step(): AuthenticationStep {
    this.#round += 1
    this.#asked = true
    const exchange = this.#name
    return {
      exchange,
      round: this.#round,
      method: this.#method,
      data: this.#data,
      renews: this.#renews,
    }
  }

  /** Takes an AUTH of the client; returns what is wrong with it, if anything is. */
  receive(frame: Buffer, body: number, connected: boolean): Fault | undefined {
    const parsed = this.#around.packets.auth(frame, body)
    if (parsed.kind === 'fault') return parsed.fault
    const { reasonCode, properties } = parsed.packet
    // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
    if (properties?.authenticationMethod !== this.#method) return FAULT.authMethodChanged
    this.#data = properties.authenticationData
    if (reasonCode === REASON.reAuthenticate && connected && !this.#open) {
      this.#renews = true
      this.#open = true
      this.#round = 0
      return undefined
    }
    // [MQTT-4.12.0-3]
    const awaited = reasonCode === REASON.continueAuthentication && this.#open && !this.#asked
    return awaited ? undefined : FAULT.unexpectedAuth
  }

  /** The client shall go on [MQTT-4.12.0-2]. False: this is larger than it takes. */
  goOn(data: Uint8Array | undefined): boolean {
    this.#asked = false
    return this.#write(REASON.continueAuthentication, { method: this.#method, data })
  }

  /** The exchange is over: CONNACK or `tellRenewed` says so. */
  granted(lastWord: Uint8Array | undefined): void {
    this.#asked = false
    this.#open = false
    this.#lastWord = lastWord
  }

  /** False: this is larger than the client takes. */
  tellRenewed(): boolean {
    return this.#write(REASON.success, this.answer)
  }

  #write(code: ReasonCode, answer: AuthenticationAnswer): boolean {
    return writeAuth(this.#output, code, answer, this.#maximumPacketSize)
  }
}
