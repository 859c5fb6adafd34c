/** A process that takes a data directory, says what came of it, and keeps it until it is killed. */
import { PlatformError } from '../../core/domain/errors.ts'
import { openDataDirectory } from '../../storage/data-directory.ts'

try {
  openDataDirectory(process.argv[2] as string)
  process.stdout.write('held\n')
} catch (error) {
  process.stdout.write(`${error instanceof PlatformError ? error.code : String(error)}\n`)
}
setInterval(() => undefined, 1000)
