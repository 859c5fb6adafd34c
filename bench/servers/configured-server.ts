/** Servers that are a program of the system, given a port in a configuration file. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from '../child.ts'
import { findProgram } from '../programs.ts'
import { type CertificateFiles, writeCertificate } from './certificate.ts'
import { freePort, listening, type ServerName, type ServerUnderTest } from './server.ts'

export interface ConfigurationPlace {
  readonly port: number
  /** Empty but for the configuration. */
  readonly directory: string
  /** For TLS; `undefined`: plain TCP. */
  readonly secure: CertificateFiles | undefined
}

export interface Recipe {
  readonly name: ServerName
  readonly program: string
  /** With which it prints its version; whatever it exits with. */
  readonly versionFlag: string
  /** Its first group is the version. */
  readonly versionPattern: RegExp
  /** Before the path of its configuration file. */
  readonly configFlag: string
  config(place: ConfigurationPlace): string
}

export function configuredServer(recipe: Recipe): ServerUnderTest {
  const { name, program, versionFlag, versionPattern, configFlag } = recipe
  const path = (): string => findProgram(program) ?? program
  return {
    name,
    unavailable: () => (findProgram(program) === undefined ? 'not installed' : undefined),
    version: () => {
      const { stdout } = spawnSync(path(), [versionFlag], { encoding: 'utf8' })
      return versionPattern.exec(stdout)?.[1] ?? 'unknown'
    },
    start: async ({ directory, cpu, door }) => {
      const port = await freePort()
      const secure = door === 'tls' ? await writeCertificate(directory) : undefined
      const file = join(directory, `${name}.conf`)
      await writeFile(file, recipe.config({ port, directory, secure }))
      return listening(new Child(name, cpu, path(), [configFlag, file]), port)
    },
  }
}
