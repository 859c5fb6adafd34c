import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDiagnostics } from '../../../protocol/cli/diagnostics.ts'

describe('createDiagnostics', () => {
  it('writes one JSON object a line, at once, from its level on', async () => {
    const lines: string[] = []
    const write = (text: string): number => lines.push(text)
    const diagnostics = await createDiagnostics({ level: 'warn', pretty: false, write })
    diagnostics.info('not told')
    diagnostics.warn('told', { port: 1883 })
    assert.equal(lines.length, 1)
    const { level, msg, port } = JSON.parse(lines[0] ?? '')
    assert.deepEqual([level, msg, port], [40, 'told', 1883])
    assert.ok(lines[0]?.endsWith('\n'))
  })

  it('writes readable lines for people', async () => {
    const lines: string[] = []
    const write = (text: string): number => lines.push(text)
    const diagnostics = await createDiagnostics({ level: 'debug', pretty: true, write })
    diagnostics.debug('begun', { shard: 0 })
    assert.match(lines.join(''), /DEBUG.*begun.*"shard":0.*\n$/)
  })

  it('is silent where asked to be', async () => {
    const write = (): never => assert.fail()
    const diagnostics = await createDiagnostics({ level: 'silent', pretty: false, write })
    diagnostics.error('unheard')
  })
})
