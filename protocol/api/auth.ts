/**
 * Who may call: a bearer key, `Authorization: Bearer <id>.<secret>`, of role `read` for what only
 * looks and `admin` for the rest. Secrets are compared by the registry, in constant time.
 */
import { PlatformError } from '../../core/domain/errors.ts'
import type { ApiRole } from '../../core/domain/registry.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'

const BEARER = /^Bearer +([^.\s]{1,64})\.(\S{1,128})$/i
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** @throws api.unauthorized (no key, or a wrong one: not told which), api.forbidden */
export function authorize(
  reader: RegistryReader,
  method: string,
  authorization: string | undefined,
): void {
  const needed = READING.has(method) ? 'read' : 'admin'
  const role = roleOf(reader, authorization)
  if (role === 'admin' || role === needed) return
  throw new PlatformError(
    'api.forbidden',
    role === 'none'
      ? 'This key has no role on the API.'
      : 'This key may read only; the request needs a key of role admin.',
  )
}

function roleOf(reader: RegistryReader, authorization: string | undefined): ApiRole {
  if (authorization === undefined) {
    throw new PlatformError(
      'api.unauthorized',
      'Send a key as "Authorization: Bearer <id>.<secret>".',
    )
  }
  const [, id = '', secret = ''] = BEARER.exec(authorization) ?? []
  const matches = reader.accessKeyMatches(id, secret)
  const key = matches ? reader.accessKey(id) : undefined
  if (key !== undefined) return key.api
  throw new PlatformError('api.unauthorized', 'The key is not known, or its secret is wrong.')
}
