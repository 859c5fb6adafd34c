/** The management API of a server under test, as the bench asks it. */

export interface ManagementApi {
  /** Of the server, without `/api/v1`. */
  readonly url: string
  /** `<id>.<secret>` of role admin. */
  readonly key: string
}

/** @throws where the answer is no 2xx */
export async function ask<T>(
  api: ManagementApi,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: object,
): Promise<T> {
  const response = await fetch(`${api.url.replace(/\/+$/, '')}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${api.key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 500)}`)
  return (answer === '' ? undefined : JSON.parse(answer)) as T
}
