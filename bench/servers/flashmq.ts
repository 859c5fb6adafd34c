/** FlashMQ (C++) with one thread, for all share one CPU; nothing written to disk. */
import { type ConfigurationPlace, configuredServer } from './configured-server.ts'
import { HOST, type ServerUnderTest } from './server.ts'

export const flashmq: ServerUnderTest = configuredServer({
  name: 'flashmq',
  program: 'flashmq',
  versionFlag: '--version',
  versionPattern: /version (\S+)/i,
  configFlag: '--config-file',
  config,
})

function config({ port, secure }: ConfigurationPlace): string {
  const tls =
    secure === undefined ? '' : `  fullchain ${secure.certFile}\n  privkey ${secure.keyFile}\n`
  return `allow_anonymous true
thread_count 1
quiet true
max_qos_msg_pending_per_client 65535
listen {
  protocol mqtt
  port ${port}
  inet_protocol ip4
  inet4_bind_address ${HOST}
${tls}}
`
}
