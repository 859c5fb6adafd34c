import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MessageId } from '../../../core/domain/identifiers.ts'
import { encodeCommand, encodeReply } from '../../../protocol/alink/alink-encode.ts'

const METHOD = 'thing.event.property.post'
const ID = '880011' as MessageId

function replyText(facts: Partial<Parameters<typeof encodeReply>[0]>): string {
  const good = { id: '1', code: 200, message: 'success', method: METHOD, rejected: [] }
  return Buffer.from(encodeReply({ ...good, ...facts })).toString()
}

describe('encodeReply', () => {
  it('has every field that firmware looks for', () => {
    assert.equal(
      replyText({}),
      `{"code":200,"data":{},"id":"1","message":"success","method":"${METHOD}","version":"1.0"}`,
    )
  })

  it('echoes the id in its own type, and none where there was none', () => {
    assert.match(replyText({ id: 4294967295 }), /"id":4294967295,/)
    assert.match(replyText({ id: 'a"b\n' }), /"id":"a\\"b\\n",/)
    assert.ok(!replyText({ id: undefined }).includes('"id"'))
  })

  it('leaves an unknown method out', () => {
    assert.equal(
      replyText({ id: 2, code: 6207, message: 'no', method: '' }),
      '{"code":6207,"data":{},"id":2,"message":"no","version":"1.0"}',
    )
  })

  it('names rejected values, of whatever name', () => {
    const rejected = [
      { identifier: 'Temp', code: 6307, message: 'must be "a number"' },
      { identifier: '__proto__', code: 6304, message: '属性' },
    ]
    const { data } = JSON.parse(replyText({ rejected })) as { data: Record<string, unknown> }
    assert.deepEqual(Object.entries(data), [
      ['Temp', { code: 6307, message: 'must be "a number"' }],
      ['__proto__', { code: 6304, message: '属性' }],
    ])
  })
})

describe('encodeCommand', () => {
  it('sets properties', () => {
    const values = { Relay: 0, Label: '屋顶', Pos: { lat: 1.5 } }
    const { suffix, payload } = encodeCommand({ id: ID, command: { kind: 'property-set', values } })
    assert.equal(suffix, 'thing/service/property/set')
    assert.equal(
      Buffer.from(payload).toString(),
      '{"id":"880011","version":"1.0","params":{"Relay":0,"Label":"屋顶","Pos":{"lat":1.5}},"method":"thing.service.property.set"}',
    )
  })

  it('calls services', () => {
    const command = { kind: 'service-call', service: 'Reboot', inputs: { Delay: 5 } } as const
    const { suffix, payload } = encodeCommand({ id: ID, command })
    assert.equal(suffix, 'thing/service/Reboot')
    assert.deepEqual(JSON.parse(Buffer.from(payload).toString()), {
      id: '880011',
      version: '1.0',
      params: { Delay: 5 },
      method: 'thing.service.Reboot',
    })
  })
})
