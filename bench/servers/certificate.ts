/** A P-256 certificate for servers that do not make one themselves, as files in the directory of the run. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '../../protocol/tls/development-ca.ts'
import { HOST } from './server.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export async function writeCertificate(directory: string): Promise<CertificateFiles> {
  const now = new Date()
  const { certificate, key } = await issueServerCertificate(await createAuthority(now), [HOST], now)
  const files = { certFile: join(directory, 'server.crt'), keyFile: join(directory, 'server.key') }
  await writeFile(files.certFile, certificate)
  await writeFile(files.keyFile, key, { mode: 0o600 })
  return files
}
