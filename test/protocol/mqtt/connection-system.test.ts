import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

describe('$SYS', () => {
  it('is told to who may hear it, when it changes and to who comes later; wildcards in front miss it [MQTT-4.7.2-1]', () => {
    const policy = { publish: ['#'], subscribe: ['#', '$SYS/#'] }
    const broker = new MemoryBroker({ policy })
    const tell = (value: string): void => {
      broker.turns.turn.enter()
      broker.router.tellSystem([
        ['$SYS/broker/uptime', value],
        ['$SYS/broker/version', '1'],
      ])
      broker.settle()
    }
    const [reader, wild] = [broker.join(), broker.join()]
    wild.send(subscribe(1, ['#', 0], ['+/broker/uptime', 0]))
    wild.received()
    tell('10 seconds')
    reader.send(subscribe(1, ['$SYS/broker/uptime', 1]))
    assert.deepEqual(reader.heard(), ['suback 1 1', 'publish $SYS/broker/uptime 10 seconds'])
    tell('20 seconds')
    tell('20 seconds')
    assert.deepEqual(reader.heard(), ['publish $SYS/broker/uptime 20 seconds'])
    assert.deepEqual(wild.heard(), [])
    reader.send(publish('$SYS/broker/uptime', 'forged', 1, 9))
    assert.deepEqual(reader.heard(), ['puback 9'])
    assert.equal(broker.count('publish.refused.not-authorized'), 1)
    const stranger = new MemoryBroker({ policy: { publish: [], subscribe: ['#'] } }).join()
    stranger.send(subscribe(1, ['$SYS/#', 0]))
    assert.deepEqual(stranger.heard(), ['suback 1 128'])
  })
})
