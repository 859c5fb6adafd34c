/**
 * Eclipse Mosquitto (C, one thread), set as its best friend would: nothing written to disk, no Nagle,
 * no limit that the workload could meet, no status topics, no log.
 */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from '../child.ts'
import { findProgram } from '../programs.ts'
import { freePort, HOST, listening, type Place, type ServerUnderTest } from './server.ts'

export const mosquitto: ServerUnderTest = {
  name: 'mosquitto',
  unavailable: () => (findProgram('mosquitto') === undefined ? 'not installed' : undefined),
  version: () => {
    const help = spawnSync(program(), ['-h'], { encoding: 'utf8' }) // ends with 3
    return /version (\S+)/.exec(help.stdout)?.[1] ?? 'unknown'
  },
  start: async ({ directory, cpu }: Place) => {
    const port = await freePort()
    const file = join(directory, 'mosquitto.conf')
    await writeFile(file, config(port))
    return listening(new Child('mosquitto', cpu, program(), ['-c', file]), port)
  },
}

function program(): string {
  return findProgram('mosquitto') ?? 'mosquitto'
}

function config(port: number): string {
  return `listener ${port} ${HOST}
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
sys_interval 0
log_type error
`
}
