/**
 * Eclipse Mosquitto (C, one thread), set as its best friend would: nothing written to disk, no Nagle,
 * no limit that the workload could meet, no status topics, no log.
 */
import { userInfo } from 'node:os'
import { type ConfigurationPlace, configuredServer } from './configured-server.ts'
import { HOST, type ServerUnderTest } from './server.ts'

export const mosquitto: ServerUnderTest = configuredServer({
  name: 'mosquitto',
  program: 'mosquitto',
  versionFlag: '-h',
  versionPattern: /version (\S+)/,
  configFlag: '-c',
  config,
})

/** Over TLS as this user: started by root it would become another, who may not read the key. */
function config({ port, secure }: ConfigurationPlace): string {
  const tls =
    secure === undefined
      ? ''
      : `certfile ${secure.certFile}
keyfile ${secure.keyFile}
tls_version tlsv1.3
user ${userInfo().username}
`
  return `listener ${port} ${HOST}
${tls}allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
sys_interval 0
log_type error
`
}
