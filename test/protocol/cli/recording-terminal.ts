/** Commands run against a listening API, with what they say and end with written down. */
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Command } from 'commander'
import { addClientCommands } from '../../../protocol/cli/client-commands.ts'
import type { Terminal } from '../../../protocol/cli/terminal.ts'
import { isUsageRefusal, reportUsage } from '../../../protocol/cli/usage.ts'
import { type ApiHouse, apiHouse } from '../api/house.ts'

export interface Ran {
  readonly out: string
  readonly err: string
  readonly code: number
}

export type Environment = Readonly<Record<string, string | undefined>>

/** One call of the program: `args` as they stand behind `tidegate`. */
export async function run(args: readonly string[], env: Environment = {}): Promise<Ran> {
  const ran = { out: '', err: '', code: 0 }
  const terminal: Terminal = {
    out: (text) => {
      ran.out += text
    },
    err: (text) => {
      ran.err += text
    },
    interactive: false,
    env,
    exitCode: (code) => {
      ran.code = code
    },
  }
  const program = new Command('tidegate')
  reportUsage(program, terminal)
  addClientCommands(program, terminal)
  await program.parseAsync([...args], { from: 'user' }).catch((error: unknown) => {
    if (!isUsageRefusal(error)) throw error
  })
  return ran
}

export interface CliHouse extends ApiHouse {
  readonly url: string
  /** With the address and the admin key in the environment. */
  readonly tidegate: (...args: readonly string[]) => Promise<Ran>
}

export async function cliHouse(
  t: TestContext,
  status?: Parameters<typeof apiHouse>[1],
): Promise<CliHouse> {
  const house = await apiHouse(t, status)
  await house.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = house.app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const env = { TIDEGATE_URL: url, TIDEGATE_KEY: house.keys.admin }
  return { ...house, url, tidegate: (...args) => run(args, env) }
}
