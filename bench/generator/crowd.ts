/** Many clients that connect and wait for nothing: whatever comes to them is a failure. */
import { Client } from './client.ts'
import type { Failures } from './failures.ts'
import type { ConnectJob, IdleJob } from './job.ts'

/** @param sessions  of TLS, by client; where there is one its handshake resumes */
export function crowdOf(
  { host, port, qos, clients, tls }: ConnectJob | IdleJob,
  failures: Failures,
  sessions: readonly (Buffer | undefined)[] = [],
): Client[] {
  const events = {
    delivered: () => failures.add('a message that was not asked for'),
    acknowledged: () => failures.add('an acknowledgement of nothing'),
    lost: (reason: string) => failures.add(reason),
  }
  return clients.map((client, i) => {
    const session = sessions[i]
    const secure = tls && { tls: session === undefined ? {} : { session } }
    return new Client({ host, port, qos, ...client, ...secure }, events)
  })
}
