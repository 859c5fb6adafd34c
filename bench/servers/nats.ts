/**
 * NATS (Go) with its MQTT listener, which keeps sessions and messages of QoS 1 in JetStream: in the directory of the
 * run. It has no shared subscriptions of MQTT, so a round of those is invalid.
 */
import { join } from 'node:path'
import { type ConfigurationPlace, configuredServer } from './configured-server.ts'
import { HOST, type ServerUnderTest } from './server.ts'

export const nats: ServerUnderTest = configuredServer({
  name: 'nats-server',
  program: 'nats-server',
  versionFlag: '--version',
  versionPattern: /v(\S+)/,
  configFlag: '-c',
  config,
})

/** Port -1: one that is free, of a listener that nobody uses here. */
function config({ port, directory, secure }: ConfigurationPlace): string {
  const tls =
    secure === undefined
      ? ''
      : `  tls { cert_file: "${secure.certFile}", key_file: "${secure.keyFile}" }\n`
  return `listen: "${HOST}:-1"
server_name: "bench"
jetstream { store_dir: "${join(directory, 'jetstream')}" }
mqtt {
  listen: "${HOST}:${port}"
  max_ack_pending: 1000
${tls}}
`
}
