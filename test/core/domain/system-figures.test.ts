import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemFigures } from '../../../core/domain/system-figures.ts'
import { isTopicName } from '../../../core/domain/topic.ts'

describe('systemFigures', () => {
  it('sums up the shards, in topics below $SYS/broker', () => {
    const shard = { connections: 2, subscriptions: 3, received: 10, sent: 20, dropped: 1 }
    const figures = systemFigures({
      version: '1.2.3',
      uptimeSec: 60,
      shards: [shard, { ...shard, connections: 5 }],
      retained: { messages: 7, bytes: 700 },
      rssBytes: 1000,
    })
    const values = new Map(figures)
    assert.equal(values.get('$SYS/broker/clients/connected'), '7')
    assert.equal(values.get('$SYS/broker/publish/messages/sent'), '40')
    assert.equal(values.get('$SYS/broker/retained messages/count'), '7')
    assert.equal(values.get('$SYS/broker/version'), 'tidegate 1.2.3')
    for (const [topic] of figures) assert.ok(isTopicName(topic), topic)
  })
})
