/**
 * The extended authentication of one connection (§4.12): which method, which exchange, which round. The exchange is
 * the embedding program's; it is told apart from others by its name. Made where a CONNECT names a method.
 */
import type { IAuthPacket, IConnectPacket } from 'mqtt-packet'
import { FAULT } from './faults.ts'
import type { AuthenticationStep } from './login.ts'
import { type Fault, REASON } from './reason-code.ts'

export class Authentication {
  readonly method: string
  readonly #name: string
  #round = 0
  /** Of a connected client; it goes on with its old rights until it is done. */
  #renews = false
  #open = true

  constructor(method: string, name: string) {
    this.method = method
    this.#name = name
  }

  /** `undefined`: the client asks for none. A fault: data without a method. */
  static of({ properties }: IConnectPacket, name: string): Authentication | Fault | undefined {
    const { authenticationMethod, authenticationData } = properties ?? {}
    if (authenticationMethod !== undefined) return new Authentication(authenticationMethod, name)
    return authenticationData === undefined ? undefined : FAULT.authData
  }

  step(data: Buffer | undefined): AuthenticationStep {
    this.#round += 1
    const { method } = this
    return { exchange: this.#name, round: this.#round, method, data, renews: this.#renews }
  }

  /** What is wrong with an AUTH of the client, if anything is. */
  accept({ reasonCode, properties }: IAuthPacket, connected: boolean): Fault | undefined {
    if (properties?.authenticationMethod !== this.method) return FAULT.authMethodChanged // [MQTT-4.12.0-5]
    if (reasonCode === REASON.reAuthenticate && connected && !this.#open) {
      this.#renews = true
      this.#open = true
      this.#round = 0
      return undefined
    }
    const goesOn = reasonCode === REASON.continueAuthentication && this.#open
    return goesOn ? undefined : FAULT.unexpectedAuth
  }

  /** The exchange is over. */
  done(): void {
    this.#open = false
  }
}
