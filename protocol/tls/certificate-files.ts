/**
 * The certificate that TLS listeners serve: the operator's own files, or the development certificate under
 * `data/tls/` (ca.crt, ca.key, server.crt, server.key; keys 0600), made and renewed at start. Owned by the main
 * thread while it holds the data directory. The CA stays as long as it is valid: devices trust it.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { PlatformError } from '../../core/domain/errors.ts'
import type { TlsSettings } from '../../core/domain/settings.ts'
import {
  authorityFault,
  createAuthority,
  issueServerCertificate,
  type Pair,
  serverFault,
} from './development-ca.ts'

const HOST_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
  /** What clients verify the server with; `undefined` with the operator's own certificate. */
  readonly caFile: string | undefined
  /** Why the development certificate was issued at this call; `undefined`: what was there serves. */
  readonly issuedBecause: string | undefined
}

export interface CertificateSurroundings {
  readonly hostName: string
  readonly now: Date
}

/** @throws config.invalid, listener.unavailable */
export async function certificateFiles(
  directory: string,
  settings: Pick<TlsSettings, 'certFile' | 'keyFile' | 'names'>,
  around: CertificateSurroundings = { hostName: hostname(), now: new Date() },
): Promise<CertificateFiles> {
  const { certFile, keyFile } = settings
  if (certFile !== undefined && keyFile !== undefined) {
    await checkOwnFiles(certFile, keyFile)
    return { certFile, keyFile, caFile: undefined, issuedBecause: undefined }
  }
  return developmentFiles(directory, certificateNames(settings.names, around.hostName), around.now)
}

/** Every name of the development certificate, once. */
export function certificateNames(further: readonly string[], hostName: string): readonly string[] {
  const host = HOST_NAME.test(hostName) ? [hostName] : []
  return [...new Set(['localhost', '127.0.0.1', '::1', ...host, ...further])]
}

async function developmentFiles(
  directory: string,
  names: readonly string[],
  now: Date,
): Promise<CertificateFiles> {
  const path = (name: string): string => join(directory, name)
  const [caFile, caKeyFile] = [path('ca.crt'), path('ca.key')]
  const [certFile, keyFile] = [path('server.crt'), path('server.key')]
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = { certFile, keyFile, caFile }

  const stored = { certificate: await read(caFile), key: await read(caKeyFile) }
  const server = { certificate: await read(certFile), key: await read(keyFile) }
  const because =
    stored.certificate === undefined
      ? 'there was none'
      : isPair(server)
        ? serverFault(server, stored.certificate, names, now)
        : 'there was none'
  if (because === undefined) return { ...files, issuedBecause: undefined }

  const authority =
    stored.certificate === undefined
      ? await makeAuthority(caFile, caKeyFile, now)
      : usableAuthority(stored, because, directory, now)
  const issued = await issueServerCertificate(authority, names, now)
  await replace(keyFile, issued.key, 0o600)
  await replace(certFile, issued.certificate, 0o644)
  return { ...files, issuedBecause: because }
}

/** The key first: a certificate that is there says that its key is, too. */
async function makeAuthority(caFile: string, caKeyFile: string, now: Date): Promise<Pair> {
  const authority = await createAuthority(now)
  await replace(caKeyFile, authority.key, 0o600)
  await replace(caFile, authority.certificate, 0o644)
  return authority
}

/** A CA that devices trust is never replaced silently. @throws listener.unavailable */
function usableAuthority(stored: MaybePair, because: string, directory: string, now: Date): Pair {
  const fault = isPair(stored) ? authorityFault(stored, now) : 'its key ca.key is missing'
  if (fault === undefined && isPair(stored)) return stored
  throw new PlatformError(
    'listener.unavailable',
    `A server certificate has to be issued (${because}), but the CA in ${directory} cannot: ${fault}. ` +
      'Restore it, or remove the directory to begin with a new CA, whose ca.crt clients then need.',
  )
}

/** @throws config.invalid */
async function checkOwnFiles(certFile: string, keyFile: string): Promise<void> {
  const pem = async (key: string, file: string): Promise<string> => {
    try {
      return await readFile(file, 'utf8')
    } catch (cause) {
      throw new PlatformError('config.invalid', `${key}: ${file} cannot be read`, { cause })
    }
  }
  const [cert, key] = [await pem('tls.certFile', certFile), await pem('tls.keyFile', keyFile)]
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PlatformError(
      'config.invalid',
      `tls.certFile, tls.keyFile: not a certificate with its key (${why})`,
      { cause },
    )
  }
}

type MaybePair = { readonly [Part in keyof Pair]: string | undefined }

function isPair(pair: MaybePair): pair is Pair {
  return pair.certificate !== undefined && pair.key !== undefined
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PlatformError('listener.unavailable', `${file} cannot be read`, { cause: error })
  }
}

/** A reader finds the old text or the new one, never half of it. */
async function replace(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, text, { mode, flag: 'wx', flush: true })
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}
