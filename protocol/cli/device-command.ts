/** What `properties set` and `call` share: the wait for the device, and what its answer means. */
import type { Command } from 'commander'
import type { CommandOutcome } from '../../core/domain/device-message.ts'
import type { JsonObject } from '../../core/domain/json.ts'
import { type Client, show } from './client.ts'
import { readNumber } from './values.ts'

const MAX_WAIT_SEC = 30
const SUCCESS = 200

export interface CommandOptions {
  readonly jsonValues?: string
  readonly wait?: string
}

export function addCommandOptions(command: Command): Command {
  return command
    .option('--json-values <object>', 'values as one JSON object')
    .option('--wait <seconds>', `wait for the device's reply, up to ${MAX_WAIT_SEC} s`)
}

/** Fails (exit code 1) where the device answers with anything but success. */
export async function sendCommand(
  client: Client,
  path: string,
  body: Readonly<Record<string, JsonObject>>,
  { wait }: CommandOptions,
): Promise<void> {
  const waitSec = wait === undefined ? 0 : readNumber('--wait', wait, 0, MAX_WAIT_SEC)
  const waitMs = Math.round(waitSec * 1000)
  const outcome = await client.api.post<CommandOutcome>(path, { ...body, waitMs })
  if (outcome.kind === 'sent') {
    show(client, outcome, { sent: outcome.id })
    return
  }
  const { id, code, message, data } = outcome
  show(client, outcome, { answered: id, code, message, data })
  if (code !== SUCCESS) client.terminal.exitCode(1)
}
