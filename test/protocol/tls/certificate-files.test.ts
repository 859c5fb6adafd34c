import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { checkServerIdentity, connect, createServer } from 'node:tls'
import {
  type CertificateFiles,
  certificateFiles,
  certificateNames,
} from '../../../protocol/tls/certificate-files.ts'

const DAY_MS = 86_400_000
const OPENSSL = 'openssl' // where the machine has it
const NOTHING_OWN = { certFile: undefined, keyFile: undefined }

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-tls-'))
  t.after(() => rmSync(path, { recursive: true }))
  return join(path, 'tls')
}

function files(
  path: string,
  names: readonly string[] = [],
  now = new Date(),
): Promise<CertificateFiles> {
  return certificateFiles(path, { ...NOTHING_OWN, names }, { hostName: 'gate-1', now })
}

function certificate(file: string | undefined): X509Certificate {
  assert.ok(file !== undefined)
  return new X509Certificate(readFileSync(file))
}

/** Resolves with the error of the handshake, or `undefined` where it succeeded. */
async function handshake(t: TestContext, made: CertificateFiles, host: string): Promise<unknown> {
  const server = createServer({
    cert: readFileSync(made.certFile),
    key: readFileSync(made.keyFile),
  })
  t.after(() => server.close())
  server.on('tlsClientError', () => {}) // the client tells
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      ca: readFileSync(made.caFile ?? ''),
      // the name that the client asked for, not the address it was led to
      checkServerIdentity: (_, peer) => checkServerIdentity(host, peer),
    })
    socket.once('secureConnect', () => resolve(undefined))
    socket.once('error', resolve)
    t.after(() => socket.destroy())
  })
}

describe('certificateFiles', () => {
  it('makes a CA and a server certificate that a client verifies by every name', async (t) => {
    const made = await files(directory(t), ['broker.example', '10.1.2.3'])
    for (const name of ['localhost', '127.0.0.1', '::1', 'gate-1', 'broker.example', '10.1.2.3']) {
      assert.equal(await handshake(t, made, name), undefined, name)
    }
    assert.match(
      String(await handshake(t, made, 'other.example')),
      /ERR_TLS_CERT_ALTNAME_INVALID|does not match/,
    )
  })

  it('is not trusted by who does not know the CA', async (t) => {
    const made = await files(directory(t))
    const other = await files(directory(t))
    const error = await handshake(t, { ...made, caFile: other.caFile }, 'localhost')
    assert.match(String(error), /unable to verify|self.signed/)
  })

  it('limits what the certificates may do, and for how long', async (t) => {
    const now = new Date()
    const made = await files(directory(t), [], now)
    const ca = certificate(made.caFile)
    const server = certificate(made.certFile)
    assert.deepEqual([ca.ca, server.ca], [true, false])
    assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1']) // extended: serverAuth
    const days = (one: X509Certificate): number =>
      (Date.parse(one.validTo) - Date.parse(one.validFrom)) / DAY_MS
    assert.ok(days(server) <= 825 && days(server) > 824)
    assert.ok(days(ca) <= 3650 && days(ca) > 3649)
    assert.ok(Date.parse(server.validFrom) < now.getTime())
    assert.equal(server.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  })

  it('satisfies openssl, with every extension checked', async (t) => {
    if (spawnSync(OPENSSL, ['version']).error !== undefined) {
      t.skip('no openssl here')
      return
    }
    const made = await files(directory(t))
    const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'gate-1']
    const ran = spawnSync(OPENSSL, [...verify, '-CAfile', made.caFile ?? '', made.certFile])
    assert.equal(ran.status, 0, String(ran.stderr))
    const wrong = [
      'verify',
      '-verify_hostname',
      'other',
      '-CAfile',
      made.caFile ?? '',
      made.certFile,
    ]
    assert.notEqual(spawnSync(OPENSSL, wrong).status, 0)
  })

  it('keeps its keys to the owner and leaves nothing half written', async (t) => {
    const path = directory(t)
    await files(path)
    assert.deepEqual(readdirSync(path).sort(), ['ca.crt', 'ca.key', 'server.crt', 'server.key'])
    for (const name of ['ca.key', 'server.key']) {
      assert.equal(statSync(join(path, name)).mode & 0o777, 0o600)
    }
  })

  it('uses at the second start what it made at the first', async (t) => {
    const path = directory(t)
    const first = await files(path, ['a.example'])
    assert.equal(first.issuedBecause, 'there was none')
    const before = readFileSync(first.certFile, 'utf8')
    const second = await files(path, ['a.example'])
    assert.equal(second.issuedBecause, undefined)
    assert.equal(readFileSync(second.certFile, 'utf8'), before)
  })

  it('issues anew by the same CA for a further name, a wildcard too, once', async (t) => {
    const path = directory(t)
    const ca = readFileSync((await files(path)).caFile ?? '', 'utf8')
    const renewed = await files(path, ['*.fleet.example'])
    assert.match(renewed.issuedBecause ?? '', /lacks the name \*\.fleet\.example/)
    assert.equal(readFileSync(renewed.caFile ?? '', 'utf8'), ca)
    assert.equal(await handshake(t, renewed, 'gate-1'), undefined)
    assert.equal((await files(path, ['*.fleet.example'])).issuedBecause, undefined)
  })

  it('issues anew before the certificate expires', async (t) => {
    const path = directory(t)
    const longAgo = new Date(Date.now() - 800 * DAY_MS)
    await files(path, [], longAgo)
    assert.match((await files(path)).issuedBecause ?? '', /expires on/)
    assert.equal((await files(path)).issuedBecause, undefined)
  })

  it('issues anew where certificate and key do not belong together', async (t) => {
    const path = directory(t)
    const made = await files(path)
    writeFileSync(made.keyFile, readFileSync(join(path, 'ca.key')))
    assert.match((await files(path)).issuedBecause ?? '', /does not belong to its key/)
    writeFileSync(made.certFile, 'torn')
    assert.match((await files(path)).issuedBecause ?? '', /cannot be read/)
    assert.equal(await handshake(t, made, 'localhost'), undefined)
  })

  it('never replaces a CA that devices trust', async (t) => {
    const path = directory(t)
    const { caFile } = await files(path)
    rmSync(join(path, 'ca.key'))
    assert.equal((await files(path)).issuedBecause, undefined) // nothing to issue
    const before = readFileSync(caFile ?? '', 'utf8')
    await assert.rejects(files(path, ['new.example']), {
      code: 'listener.unavailable',
      message: /lacks the name new\.example.*ca\.key is missing/,
    })
    assert.equal(readFileSync(caFile ?? '', 'utf8'), before)
  })

  it("serves the operator's own certificate, and makes none beside it", async (t) => {
    const made = await files(directory(t))
    const path = directory(t)
    const own = { certFile: made.certFile, keyFile: made.keyFile, names: [] }
    const served = await certificateFiles(path, own)
    assert.deepEqual([served.certFile, served.caFile], [made.certFile, undefined])
    assert.equal(existsSync(path), false)
    const notThere = { ...own, certFile: `${made.certFile}x` }
    await assert.rejects(certificateFiles(path, notThere), { code: 'config.invalid' })
    const mixed = { ...own, keyFile: made.caFile }
    await assert.rejects(certificateFiles(path, mixed), { code: 'config.invalid' })
  })
})

describe('certificateNames', () => {
  it('names each once, and leaves out a host name that no certificate can carry', () => {
    const always = ['localhost', '127.0.0.1', '::1']
    assert.deepEqual(certificateNames(['localhost', 'b'], 'gate'), [...always, 'gate', 'b'])
    assert.deepEqual(certificateNames([], 'my host!'), always)
  })
})
