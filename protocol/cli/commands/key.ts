/** `tidegate key …` */
import type { Command } from 'commander'
import type { AccessKey } from '../../../core/domain/registry.ts'
import type { IssuedKey } from '../../../core/services/access-keys.ts'
import { pathTo } from '../api-client.ts'
import { action, clientCommand, list, show, subcommand } from '../client.ts'
import { when } from '../table.ts'
import { processTerminal, type Terminal } from '../terminal.ts'

interface KeyOptions {
  readonly note?: string
  readonly api?: string
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
}

export function addKeyCommands(program: Command, terminal: Terminal = processTerminal): void {
  const key = clientCommand(program, 'key', 'Access keys of back ends and operators')
  key.addHelpText(
    'after',
    "\nExamples:\n  tidegate key create --note dashboard --api read\n  tidegate key create --note backend --subscribe '/+/+/user/#' --publish '/+/+/user/#'",
  )

  subcommand(key, 'create', 'Create a key; tells its secret this once')
    .option('--note <text>', 'what it is for')
    .option('--api <role>', 'role on the management API: none, read or admin')
    .option('--publish <filter...>', 'topics it may publish to over MQTT')
    .option('--subscribe <filter...>', 'topics it may subscribe to over MQTT')
    .action(
      action(terminal, async (client, { note, api, publish, subscribe }: KeyOptions) => {
        const anyMqtt = publish !== undefined || subscribe !== undefined
        const mqtt = { publish: publish ?? [], subscribe: subscribe ?? [] }
        const body = { note, api, mqtt: anyMqtt ? mqtt : undefined }
        const made = await client.api.post<IssuedKey>('/keys', body)
        show(client, made, {
          id: made.id,
          secret: made.secret,
          bearer: `${made.id}.${made.secret}`,
        })
      }),
    )

  subcommand(key, 'list', 'List all keys, without their secrets').action(
    action(terminal, (client) =>
      list(
        client,
        client.api.items<AccessKey>('/keys'),
        ['KEY', 'API', 'MQTT', 'NOTE', 'CREATED'],
        (k) => [k.id, k.api, k.mqtt === undefined ? 'no' : 'yes', k.note, when(k.createdAt)],
      ),
    ),
  )

  subcommand(key, 'delete <id>', 'Revoke a key').action(
    action(terminal, async (client, id: string) => {
      const removed = await client.api.delete<AccessKey>(pathTo('keys', id))
      show(client, removed, { removed: removed.id, note: removed.note || undefined })
    }),
  )
}
