/** Connects many clients, a bounded number at a time. */
import type { Client } from './client.ts'
import type { Failures } from './failures.ts'

/** Sockets that connect at a time: below every server's listen backlog (Mosquitto has 100). */
const CONNECTING = 64

/** Resolves once all are ready. Failures go to `failures`; where there is one, no further client begins. */
export async function openAll(clients: readonly Client[], failures: Failures): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let client = clients[next++]; client; client = clients[next++]) {
      if (failures.count > 0) return
      await client.open().catch((error: unknown) => failures.add(String(error)))
    }
  }
  await Promise.all(Array.from({ length: CONNECTING }, lane))
}
