/** Who hears what on the mesh between shards: one receiver per channel and lane. Every shard runs the same program. */
export const CHANNEL = {
  /** Control: custody of devices. */
  devices: 1,
  /** Control: custody of the numbers of application clients. */
  clients: 2,
  /** Control: numbers of client identifiers. */
  directory: 3,
  /** Control: route rows. Data: publications. */
  routes: 4,
  /** Data: messages of application clients to devices. */
  inbox: 5,
  /** Control: which retained messages are in the store. Data: those that are retained now. */
  retained: 6,
  /** Control: who listens, what is done with, subscriptions of lasting sessions. Data: messages for lasting sessions. */
  sessions: 7,
} as const
