/**
 * The management API as the commands call it: over `fetch`, with errors that say what to do next.
 */
import { createHmac } from 'node:crypto'

const TIMEOUT_MS = 60_000 // more than the API's own 45 s
const PAGE_ITEMS = 500
const NOTHING_THERE: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly text: string
}

interface Problem {
  readonly status?: number
  readonly code?: string
  readonly detail?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

/** A request that was refused or could not be made; `message` is for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** Stable code of `docs/errors.md`; `undefined` where no answer came. */
  readonly code: string | undefined
  readonly status: number | undefined

  constructor(message: string, problem: Problem = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = problem.code
    this.status = problem.status
  }
}

export interface ApiClientOptions {
  /** Of the server, without `/api/v1`. */
  readonly url: string
  /** `<id>.<secret>`; `undefined`: the request goes without, and is told what is missing. */
  readonly key: string | undefined
}

export class ApiClient {
  readonly url: string
  readonly #key: string | undefined

  constructor({ url, key }: ApiClientOptions) {
    this.url = url.replace(/\/+$/, '')
    this.#key = key
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#send('POST', path, body)
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#send('PUT', path, body)
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#send('PATCH', path, body)
  }

  delete<T>(path: string): Promise<T> {
    return this.#send('DELETE', path)
  }

  /**
   * 32 hex characters that only a holder of this key can make, the same for the same text: secrets of
   * devices that a later command with this key shall know again.
   */
  derive(text: string): string {
    return createHmac('sha256', this.#key ?? '')
      .update(text)
      .digest('hex')
      .slice(0, 32)
  }

  /** All items of a listing, page after page; holds one page at a time. */
  async *items<T>(path: string): AsyncGenerator<T, void, undefined> {
    let after: string | undefined
    do {
      const query = new URLSearchParams({ limit: String(PAGE_ITEMS) })
      if (after !== undefined) query.set('after', after)
      const page = await this.get<{ items: T[]; next?: string }>(`${path}?${query.toString()}`)
      yield* page.items
      after = page.next
    } while (after !== undefined)
  }

  async #send<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const headers = new Headers({ accept: 'application/json' })
    if (this.#key !== undefined) headers.set('authorization', `Bearer ${this.#key}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const request: RequestInit = { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }
    if (body !== undefined) request.body = JSON.stringify(body)
    const answer = await this.#exchange(path, request)
    const parsed = parse(answer.text)
    if (!answer.ok) throw refusal(answer.status, parsed)
    if (parsed === undefined) {
      throw new ApiError(`${this.url} did not answer with JSON. Is it a Tidegate server?`)
    }
    return parsed as T
  }

  async #exchange(path: string, request: RequestInit): Promise<Answer> {
    try {
      const response = await fetch(`${this.url}/api/v1${path}`, request)
      return { ok: response.ok, status: response.status, text: await response.text() }
    } catch (error) {
      throw unreachableError(this.url, error)
    }
  }
}

/**
 * `('products', key)` → `/products/{key}`, each part escaped: a device name may hold `@` and `:`.
 */
export function pathTo(...parts: readonly string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function refusal(status: number, body: unknown): ApiError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Problem
  const lines = [problem.detail ?? `The server answered ${status}.`]
  for (const { path, message } of problem.errors ?? []) {
    const line = `${path}: ${message}`
    if (line !== problem.detail) lines.push(`  ${line}`)
  }
  const next = status === 401 ? KEY_HINT : undefined
  if (next !== undefined) lines.push(next)
  return new ApiError(lines.join('\n'), { ...problem, status })
}

const KEY_HINT =
  'Give a key in TIDEGATE_KEY or with --key, or name the data directory of a local server with --data.'

function unreachableError(url: string, error: unknown): ApiError {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const why =
    error instanceof Error && error.name === 'TimeoutError'
      ? `${url} did not answer within ${TIMEOUT_MS / 1000} s.`
      : NOTHING_THERE.has(code)
        ? `Nothing answers at ${url} (${String(code)}): is \`tidegate serve\` running? ` +
          'Name another address with --url or TIDEGATE_URL.'
        : `${url} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}.`
  return new ApiError(why, {}, { cause: error })
}
