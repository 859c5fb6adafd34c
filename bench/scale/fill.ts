/** Publishes the retained messages, QoS 1, in a closed loop: a bounded number is unacknowledged at any time. */
import { Client } from '../generator/client.ts'
import { encodePublish } from '../generator/frames.ts'
import { retainedTopic } from './retained-topics.ts'

const CLIENTS = 16
const WINDOW = 64 // of each
const PAYLOAD = Buffer.from('{"temperature":21.5,"at":1760000000000}')

/** @returns seconds until the last PUBACK @throws where a connection is refused or lost */
export async function fill(host: string, port: number, count: number): Promise<number> {
  let next = 0
  let acknowledged = 0
  const from = performance.now()
  const clients: Client[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      const open = (name: number): void => {
        let packetId = 0
        const send = (room: number): void => {
          const frames: Buffer[] = []
          for (; room > 0 && next < count; room--) {
            packetId = (packetId % WINDOW) + 1 // acknowledged in order [MQTT-4.6.0-2]
            frames.push(encodePublish(retainedTopic(next++, count), PAYLOAD, 1, packetId, true))
          }
          if (frames.length > 0) client.write(Buffer.concat(frames))
        }
        const events = {
          delivered: () => reject(new Error('a message that was not asked for')),
          acknowledged: (acks: number) => {
            acknowledged += acks
            if (acknowledged === count) resolve()
            else send(acks)
          },
          lost: (reason: string) => reject(new Error(reason)),
        }
        const login = { clientId: `fill-${name}` }
        const client = new Client({ host, port, qos: 1, login, filters: [] }, events)
        clients.push(client)
        client.open().then(() => send(WINDOW), reject)
      }
      for (let i = 0; i < CLIENTS; i++) open(i)
    })
  } finally {
    for (const client of clients) client.close()
  }
  return (performance.now() - from) / 1000
}
