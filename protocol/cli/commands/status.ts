/** `tidegate status` */
import type { Command } from 'commander'
import type { StatusReport } from '../../../core/domain/status.ts'
import { action, clientCommand, show } from '../client.ts'
import { record, table, when } from '../table.ts'
import { processTerminal, type Terminal } from '../terminal.ts'

const MEBIBYTE = 1_048_576

export function addStatusCommand(program: Command, terminal: Terminal = processTerminal): void {
  clientCommand(program, 'status', 'Show what a running server is doing').action(
    action(terminal, async (client) => {
      const report = await client.api.get<StatusReport>('/status')
      if (client.json) show(client, report, {})
      else terminal.out(`${forPeople(report)}\n`)
    }),
  )
}

function forPeople(report: StatusReport): string {
  const { version, startedAt, uptimeSec, durability, devices, memory, shards } = report
  const head = record({
    version,
    started: when(startedAt),
    uptime: `${Math.floor(uptimeSec)} s`,
    durability,
    devices: `${devices.online} online of ${devices.registered}`,
    memory: `${Math.round(memory.rssBytes / MEBIBYTE)} MiB`,
  })
  const rows = shards.map((s) => [
    s.shard,
    s.connections,
    s.devicesOnline,
    s.messagesIn,
    s.messagesOut,
    `${s.lagMs.toFixed(1)} ms`,
    s.logSequence,
  ])
  const headings = ['SHARD', 'CONNECTIONS', 'ONLINE', 'IN', 'OUT', 'LAG P99', 'LOG']
  const refusals = shards.flatMap((s) =>
    Object.entries(s.refusals).map(([reason, n]) => [s.shard, reason, n]),
  )
  const parts = [head, table(headings, rows)]
  if (refusals.length > 0) parts.push(table(['SHARD', 'REFUSED', 'TIMES'], refusals))
  return parts.join('\n\n')
}
