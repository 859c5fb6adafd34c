/** Which connection holds a client identifier: one at a time in each space [MQTT-3.1.4-3]. */
export interface ClientHolder {
  /** Another connection came with the same identifier. */
  takenOver(): void
}

export type ClientClaim =
  | 'granted'
  /** The shard that holds the name did not answer in time: try again (Server Busy). */
  | 'busy'
  /** A later connection came with the same identifier while this one waited. */
  | 'superseded'

export interface ClientDirectory {
  /** False: the name has neither a connection nor a session. True also where another shard would have to be asked. */
  mayKnow(name: string): boolean
  /**
   * Gives the name to `holder`; the one before is told. `name` includes whose name space it is.
   * `onClaim` is called once, now or later: the name may be held by another shard.
   */
  claim(name: string, holder: ClientHolder, onClaim: (claim: ClientClaim) => void): void
  /** Ends a granted claim; does nothing where the name has passed on. */
  release(name: string, holder: ClientHolder): void
}
