/** Which state of the sources is measured. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../../bench', import.meta.url))

/** Short hash, with `+` where anything but recorded results differs from it. */
export function commit(): string {
  try {
    const hash = git('rev-parse', '--short', 'HEAD')
    const changes = git('status', '--porcelain', '--', ':/', ':!README.md', ':!results')
    return changes === '' ? hash : `${hash}+`
  } catch {
    return 'uncommitted'
  }
}

function git(...args: string[]): string {
  const printed = execFileSync('git', args, {
    cwd: bench,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return printed.trim()
}
