/** What the tests of the storage room share: places to write, time and chance that stand still. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from '../../core/domain/log-entry.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { Random } from '../../core/ports/random.ts'
import { Environment, type EnvironmentOptions } from '../../storage/environment.ts'
import { SecretBox } from '../../storage/sealed-secret.ts'

export const START = 1_800_000_000_000

export class FakeClock implements Clock {
  time: number = START

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }
}

export class CountingRandom implements Random {
  #next = 0

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#next++ & 0xff)
  }
}

export class RecordedDiagnostics implements Diagnostics {
  readonly lines: string[] = []

  debug(message: string): void {
    this.lines.push(message)
  }

  info(message: string): void {
    this.lines.push(message)
  }

  warn(message: string): void {
    this.lines.push(message)
  }

  error(message: string): void {
    this.lines.push(message)
  }
}

export function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An environment to write in a directory of its own, closed behind the test. */
export function writableEnvironment(
  t: TestContext,
  options: Partial<EnvironmentOptions> = {},
): Environment {
  const path = options.path ?? join(temporaryDirectory(t), 'store')
  const environment = Environment.open({ readOnly: false, ...options, path })
  t.after(() => environment.close())
  return environment
}

export function secretBox(): SecretBox {
  return new SecretBox(new Uint8Array(32).fill(7), new CountingRandom())
}

export function entry(text: string, changes: Partial<LogEntry> = {}): LogEntry {
  return {
    class: ENTRY_CLASS.custom,
    number: 1 as DeviceNumber,
    token: { incarnation: 1, epoch: 0 },
    version: 1,
    qos: 1,
    whole: false,
    targets: [],
    topic: '/k1abcdefghi/meter-1/user/up',
    payload: Buffer.from(text),
    ...changes,
  }
}

export function textOf(stored: { readonly payload: Uint8Array }): string {
  return Buffer.from(stored.payload).toString()
}
