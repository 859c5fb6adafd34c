/** Which connection holds a client identifier: one at a time in each space [MQTT-3.1.4-3]. */
export interface ClientHolder {
  /** Another connection came with the same identifier. */
  takenOver(): void
}

export interface ClientDirectory {
  /** Gives the name to `holder`; the one before is told. `name` includes whose name space it is. */
  claim(name: string, holder: ClientHolder): void
  /** Does nothing where the name has passed on. */
  release(name: string, holder: ClientHolder): void
}
