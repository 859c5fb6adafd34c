/** `tidegate publish …` */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { pathTo } from '../api-client.ts'
import { action, clientCommand, show } from '../client.ts'
import { processTerminal, type Terminal, UsageError } from '../terminal.ts'
import { readInteger } from '../values.ts'

interface PublishOptions {
  readonly qos: string
  readonly file?: string
}

export function addPublishCommand(program: Command, terminal: Terminal = processTerminal): void {
  clientCommand(program, 'publish', 'Send a raw message to a custom topic of a device')
    .argument('<product>')
    .argument('<device>')
    .argument('<topic>', 'user/… or /<product>/<device>/user/…')
    .argument('[payload]', 'text')
    .option('--file <file>', 'send the bytes of a file instead')
    .option('--qos <0|1>', 'quality of service', '0')
    .addHelpText(
      'after',
      '\nExample:\n  tidegate publish k1demoPK01a meter-0042 user/config \'{"interval":60}\' --qos 1',
    )
    .action(
      action(
        terminal,
        async (
          client,
          key: string,
          name: string,
          topic: string,
          payload: string | undefined,
          options: PublishOptions,
        ) => {
          const qos = readInteger('--qos', options.qos, 0, 1)
          const body = { topic, qos, ...(await payloadOf(payload, options.file)) }
          const path = pathTo('products', key, 'devices', name, 'publish')
          const sent = await client.api.post<{ topic: string }>(path, body)
          show(client, sent, { sent: sent.topic })
        },
      ),
    )
}

async function payloadOf(
  text: string | undefined,
  file: string | undefined,
): Promise<{ payload: string; encoding: 'utf8' | 'base64' }> {
  if ((text === undefined) === (file === undefined)) {
    throw new UsageError('Give the payload as text or with --file, one of the two.')
  }
  if (text !== undefined) return { payload: text, encoding: 'utf8' }
  try {
    return { payload: await readFile(file ?? '', 'base64'), encoding: 'base64' }
  } catch (error) {
    throw new UsageError(`--file: ${error instanceof Error ? error.message : String(error)}`)
  }
}
