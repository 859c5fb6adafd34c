/** Aedes (JavaScript, one thread) with its stores in memory, as `aedes-server.ts` runs it. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.ts'
import { writeCertificate } from './certificate.ts'
import { freePort, listening, type Place, type ServerUnderTest } from './server.ts'

const server = fileURLToPath(new URL('./aedes-server.js', import.meta.url))
const require = createRequire(import.meta.url)

export const aedes: ServerUnderTest = {
  name: 'aedes',
  unavailable: () => {
    try {
      import.meta.resolve('aedes')
      return undefined
    } catch {
      return 'not installed (npm install)'
    }
  },
  version: () => {
    const manifest = new URL('./package.json', import.meta.resolve('aedes'))
    return (require(fileURLToPath(manifest)) as { version: string }).version
  },
  start: async ({ directory, cpu, door }: Place) => {
    const port = await freePort()
    const secure = door === 'tls' ? await writeCertificate(directory) : undefined
    const files = secure === undefined ? [] : [secure.certFile, secure.keyFile]
    const args = [server, String(port), ...files]
    return listening(new Child('aedes', cpu, process.execPath, args), port)
  },
}
