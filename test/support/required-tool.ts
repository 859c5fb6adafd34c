/**
 * Programs of Debian that some tests talk to. On a user's machine a test without its program is skipped with the
 * line that installs it; in CI it fails.
 */
import { spawnSync } from 'node:child_process'

/** The reason to skip, or `false`. @throws where the program is missing in CI */
export function missingTool(
  command: string,
  args: readonly string[],
  debian: string,
): string | false {
  const { error, status } = spawnSync(command, args, { stdio: 'ignore' })
  if (error === undefined && status === 0) return false
  const advice = `needs ${command}: apt-get install ${debian}`
  if (process.env['CI'] === 'true') throw new Error(advice)
  return advice
}
