/**
 * The development CA and the server certificate it issues, as PEM: so that TLS works from the first start.
 * P-256 throughout. Not for a fleet that outlives the machine: there an operator brings a certificate.
 *
 * `faultOf` judges a stored certificate with node:crypto alone; the package that can make certificates is
 * loaded only where one is made (100 ms).
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type * as X509 from '@peculiar/x509'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const CA_DAYS = 3650
const SERVER_DAYS = 825 // the most that Apple's clients accept
const RENEW_BEFORE_DAYS = 30
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** PEM texts. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

export async function createAuthority(now: Date): Promise<Pair> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Tidegate development CA ${serial().slice(0, 8)}`, // two CAs never share a name
    serialNumber: serial(),
    ...validity(now, CA_DAYS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, // oxlint-disable-line no-bitwise
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    certificate: pemText(certificate.toString('pem')),
    key: await exportKey(keys.privateKey),
  }
}

/** @param names  host names and IP addresses; the first ones are what a client will check */
export async function issueServerCertificate(
  authority: Pair,
  names: readonly string[],
  now: Date,
): Promise<Pair> {
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await importKey(authority.key)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=Tidegate server', // a host name may be longer than the 64 characters of a CN
    issuer: issuer.subject,
    serialNumber: serial(),
    ...validity(now, SERVER_DAYS),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return {
    certificate: pemText(certificate.toString('pem')),
    key: await exportKey(keys.privateKey),
  }
}

/** Why an authority cannot sign or be trusted any more; `undefined`: it can. */
export function authorityFault(pair: Pair, now: Date): string | undefined {
  return pairFault(pair, now, 'the CA certificate')
}

/** Why a server certificate has to be issued anew; `undefined`: it serves. */
export function serverFault(
  pair: Pair,
  authorityCertificate: string,
  names: readonly string[],
  now: Date,
): string | undefined {
  const soon = new Date(now.getTime() + RENEW_BEFORE_DAYS * DAY_MS)
  const fault = pairFault(pair, soon, 'the server certificate')
  if (fault !== undefined) return fault
  const certificate = new X509Certificate(pair.certificate)
  const authority = new X509Certificate(authorityCertificate)
  if (!certificate.verify(authority.publicKey)) return 'the server certificate is of another CA'
  const missing = names.filter((name) => !carries(certificate, name))
  return missing.length === 0
    ? undefined
    : `the server certificate lacks the name ${missing.join(', ')}`
}

function pairFault(pair: Pair, at: Date, what: string): string | undefined {
  try {
    const certificate = new X509Certificate(pair.certificate)
    if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) {
      return `${what} does not belong to its key`
    }
    if (new Date(certificate.validTo) <= at) return `${what} expires on ${certificate.validTo}`
    return undefined
  } catch {
    return `${what} or its key cannot be read`
  }
}

/** As names, not as a client matches them: a wildcard is asked for by its own spelling. */
function carries(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  const known = (certificate.subjectAltName ?? '').toLowerCase().split(', ')
  return known.includes(`dns:${name.toLowerCase()}`)
}

/** Begins an hour ago, for clients whose clock is behind; ends are inclusive (RFC 5280 §4.1.2.5). */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const start = now.getTime() - HOUR_MS
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS - 1000) }
}

/** 16 bytes, positive (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] as number) % 0x7f) + 1
  return Buffer.from(bytes).toString('hex')
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

function pemText(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`
}

async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata') // the container inside the package asks for it
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  return x509
}
