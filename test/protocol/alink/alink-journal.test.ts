import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeviceName, DeviceNumber, ProductKey } from '../../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from '../../../core/domain/log-entry.ts'
import type { Device } from '../../../core/domain/registry.ts'
import { AlinkJournal } from '../../../protocol/alink/alink-journal.ts'

const DEVICE: Device = {
  number: 7 as DeviceNumber,
  productKey: 'k1demoPK001' as ProductKey,
  deviceName: 'meter-0042' as DeviceName,
  iotId: 'x1y2z3',
  enabled: true,
  createdAt: 1,
}
const STAMP = { token: { incarnation: 3, epoch: 5 }, version: 11 }

/** The one entry that `write` leaves, with its payload as text. */
function entryOf(write: (journal: AlinkJournal) => void): LogEntry & { readonly text: string } {
  const entries: LogEntry[] = []
  write(new AlinkJournal({ append: (entry) => entries.push(entry) }))
  const [entry, ...others] = entries
  assert.deepEqual(others, [])
  assert.ok(entry)
  return { ...entry, text: Buffer.from(entry.payload).toString() }
}

describe('AlinkJournal', () => {
  it('stamps each entry with number, token and version', () => {
    const status = { online: true, at: 0, address: undefined }
    const entry = entryOf((journal) => journal.status(DEVICE, STAMP, status))
    assert.equal(entry.number, 7)
    assert.deepEqual(entry.token, STAMP.token)
    assert.equal(entry.version, 11)
    assert.deepEqual(entry.targets, [])
  })

  it('writes a status with its times in the order of the documents', () => {
    const at = Date.UTC(2026, 0, 1, 0, 0, 0, 120)
    const status = { online: true, at, address: '203.0.113.9' }
    const entry = entryOf((journal) => journal.status(DEVICE, STAMP, status))
    assert.equal(entry.class, ENTRY_CLASS.status)
    assert.equal(entry.topic, '/as/mqtt/status/k1demoPK001/meter-0042')
    const message = JSON.parse(entry.text) as Record<string, string>
    assert.deepEqual(Object.keys(message), [
      'status',
      'iotId',
      'productKey',
      'deviceName',
      'time',
      'utcTime',
      'lastTime',
      'utcLastTime',
      'clientIp',
    ])
    assert.equal(message['status'], 'online')
    assert.equal(message['utcTime'], '2026-01-01T00:00:00.120Z')
    assert.match(message['time'] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.120$/)
    assert.equal(new Date((message['time'] ?? '').replace(' ', 'T')).getTime(), at) // local time
    assert.equal(message['lastTime'], message['time'])
    assert.equal(message['utcLastTime'], message['utcTime'])
    assert.equal(message['clientIp'], '203.0.113.9')
    const offline = { ...status, online: false }
    const second = entryOf((journal) => journal.status(DEVICE, STAMP, offline))
    assert.match(second.text, /^\{"status":"offline",/)
  })

  it('writes properties as back ends read them', () => {
    const items = {
      Temp: { value: 21.5, time: 1767225600000 },
      Pos: { value: { lat: 31.2, lon: 121.4 }, time: 1767225600000 },
    }
    const entry = entryOf((journal) =>
      journal.properties(DEVICE, STAMP, {
        id: 111,
        at: 1767225600211,
        items,
        rejected: [],
        whole: true,
      }),
    )
    assert.equal(entry.class, ENTRY_CLASS.properties)
    assert.equal(entry.topic, '/k1demoPK001/meter-0042/thing/event/property/post')
    assert.equal(
      entry.text,
      '{"deviceType":"CustomCategory","iotId":"x1y2z3","requestId":"111","checkFailedData":{},' +
        '"productKey":"k1demoPK001","gmtCreate":1767225600211,"deviceName":"meter-0042",' +
        '"items":{"Temp":{"value":21.5,"time":1767225600000},' +
        '"Pos":{"value":{"lat":31.2,"lon":121.4},"time":1767225600000}}}',
    )
  })

  it('tells which values were held back', () => {
    const message = 'tsl parse: params not exist -> bad'
    const rejected = [{ identifier: 'bad', value: [null], timeMs: 9, code: 6304, message }]
    const entry = entryOf((journal) =>
      journal.properties(DEVICE, STAMP, {
        id: undefined,
        at: 1,
        items: {},
        rejected,
        whole: false,
      }),
    )
    assert.match(
      entry.text,
      /"requestId":"","checkFailedData":\{"bad":\{"time":9,"value":\[null\],"code":6304,"message":"tsl parse: params not exist -> bad"\}\}/,
    )
    assert.match(entry.text, /"items":\{\}\}$/)
  })

  const event = {
    id: '5',
    at: 1767225600611,
    identifier: 'OverTemp',
    name: 'Over temperature',
    type: 'alert',
    time: 1767225600500,
    value: { Celsius: 91 },
  }

  it('writes events as back ends read them', () => {
    const entry = entryOf((journal) => journal.event(DEVICE, STAMP, { ...event, rejected: [] }))
    assert.equal(entry.class, ENTRY_CLASS.event)
    assert.equal(entry.topic, '/k1demoPK001/meter-0042/thing/event/OverTemp/post')
    assert.equal(
      entry.text,
      '{"deviceType":"CustomCategory","identifier":"OverTemp","iotId":"x1y2z3",' +
        '"name":"Over temperature","time":1767225600500,"type":"alert","requestId":"5",' +
        '"checkFailedData":{},"productKey":"k1demoPK001","deviceName":"meter-0042",' +
        '"gmtCreate":1767225600611,"value":{"Celsius":91}}',
    )
  })

  it('drops a bad event whole, and tells it under checkFailedData', () => {
    const violation = { code: 6306, message: 'hot' }
    const { identifier, value } = event
    const rejected = [{ identifier, value, timeMs: event.time, ...violation }]
    const entry = entryOf((journal) => journal.event(DEVICE, STAMP, { ...event, rejected }))
    const written = JSON.parse(entry.text) as Record<string, unknown>
    assert.deepEqual(written['checkFailedData'], { value: { Celsius: 91 }, ...violation })
    assert.deepEqual(written['value'], {})
  })

  it('writes what a device answered to a command', () => {
    const reply = { kind: 'command-reply', id: '880011', code: 200, message: 'success' } as const
    const set = { ...reply, service: undefined, data: {} }
    const entry = entryOf((journal) => journal.commandReply(DEVICE, STAMP, 1767225601000, set))
    assert.equal(entry.class, ENTRY_CLASS.commandReply)
    assert.equal(entry.topic, '/k1demoPK001/meter-0042/thing/downlink/reply/message')
    assert.equal(
      entry.text,
      '{"gmtCreate":1767225601000,"iotId":"x1y2z3","productKey":"k1demoPK001",' +
        '"deviceName":"meter-0042","requestId":"880011","code":200,"message":"success",' +
        '"topic":"/sys/k1demoPK001/meter-0042/thing/service/property/set","data":{},' +
        '"checkFailedData":{}}',
    )
    const call = { ...reply, service: 'Reboot', data: { Left: 2 } }
    const second = entryOf((journal) => journal.commandReply(DEVICE, STAMP, 1, call))
    assert.match(second.text, /thing\/service\/Reboot","data":\{"Left":2\}/)
  })

  it('passes the bytes of custom topics on unchanged, with their QoS', () => {
    const payload = Uint8Array.of(0, 255, 7)
    const entry = entryOf((journal) => journal.custom(DEVICE, STAMP, 'user/update', payload, 0))
    assert.equal(entry.class, ENTRY_CLASS.custom)
    assert.equal(entry.topic, '/k1demoPK001/meter-0042/user/update')
    assert.deepEqual(entry.payload, payload)
    assert.equal(entry.qos, 0)
  })
})
