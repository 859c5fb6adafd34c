/**
 * Eclipse Mosquitto (C, one thread), set as its best friend would: nothing written to disk, no Nagle,
 * no limit that the workload could meet, no status topics, no log.
 */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Child } from '../child.ts'
import { findProgram } from '../programs.ts'
import { type CertificateFiles, writeCertificate } from './certificate.ts'
import { freePort, HOST, listening, type Place, type ServerUnderTest } from './server.ts'

export const mosquitto: ServerUnderTest = {
  name: 'mosquitto',
  unavailable: () => (findProgram('mosquitto') === undefined ? 'not installed' : undefined),
  version: () => {
    const help = spawnSync(program(), ['-h'], { encoding: 'utf8' }) // ends with 3
    return /version (\S+)/.exec(help.stdout)?.[1] ?? 'unknown'
  },
  start: async ({ directory, cpu, door }: Place) => {
    const port = await freePort()
    const file = join(directory, 'mosquitto.conf')
    const secure = door === 'tls' ? await writeCertificate(directory) : undefined
    await writeFile(file, config(port, secure))
    return listening(new Child('mosquitto', cpu, program(), ['-c', file]), port)
  },
}

function program(): string {
  return findProgram('mosquitto') ?? 'mosquitto'
}

/** Over TLS as this user: started by root it would become another, who may not read the key. */
function config(port: number, secure: CertificateFiles | undefined): string {
  const tls =
    secure === undefined
      ? ''
      : `certfile ${secure.certFile}\nkeyfile ${secure.keyFile}\nuser ${userInfo().username}\ntls_version tlsv1.3\n`
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
