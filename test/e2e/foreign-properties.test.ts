/** What MQTT 5 has beyond 3.1.1, as far as the command lines of foreign clients reach it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import {
  mosquitto,
  mosquittoProgram,
  mqttJs,
  mqttJsProgram,
  options,
  pahoAsync,
  pahoSync,
} from '../support/foreign-clients.ts'
import { ForeignHouse } from '../support/foreign-house.ts'
import type { CommandLine } from '../support/foreign-process.ts'

/** How Mosquitto's programs are told the properties of a packet. */
function propertyOptions(
  packet: 'publish' | 'subscribe' | 'will',
  values: Readonly<Record<string, string>>,
  userProperties: Readonly<Record<string, string>> = {},
): readonly string[] {
  return [
    ...Object.entries(values).flatMap((property) => ['-D', packet, ...property]),
    ...Object.entries(userProperties).flatMap((pair) => ['-D', packet, 'user-property', ...pair]),
  ]
}

describe('what foreign clients say and hear in MQTT 5', { concurrency: 2 }, () => {
  let house: ForeignHouse
  before(async () => {
    house = await ForeignHouse.open()
  })
  after(() => house.close())

  describe(mosquitto.name, { skip: mosquitto.skip }, () => {
    it('passes on all properties of a message, with the identifier of the subscription', async (t) => {
      const place = house.place()
      const { subscriber } = await house.subscribed(t, 5, (door) => [
        ...mosquittoProgram('sub', door),
        ...options({ t: `${place}/+`, q: 1, F: '%p|%S|%P|%C|%R|%D|%F|%E' }),
        ...propertyOptions('subscribe', { 'subscription-identifier': '7' }),
      ])
      await house.run(t, [
        ...mosquitto.publish(house.door(5), { topic: `${place}/a`, payload: 'hello', qos: 1 }),
        ...propertyOptions(
          'publish',
          {
            'content-type': 'text/plain',
            'response-topic': `${place}/back`,
            'correlation-data': '42',
            'payload-format-indicator': '1',
            'message-expiry-interval': '600',
          },
          { kind: 'test of users' },
        ),
      ])
      const line = await subscriber.line(/^hello/)
      const expiry = Number(line.split('|').at(-1))
      assert.ok(expiry > 570 && expiry <= 600, line)
      assert.equal(line, `hello|7|kind:test of users|text/plain|${place}/back|42|1|${expiry}`)
    })

    it('publishes by a topic alias', async (t) => {
      const topic = `${house.place()}/a/long/topic`
      await house.own.subscribeAsync(topic, { qos: 1 })
      const { wire, door } = await house.tap(t, 5)
      const line: CommandLine = [
        ...mosquittoProgram('pub', door),
        ...options({ t: topic, q: 1, l: true }),
        ...propertyOptions('publish', { 'topic-alias': '3' }),
      ]
      await house.run(t, line, 'one\ntwo\nthree\n')
      const mine = () => house.heard.items.filter((packet) => packet.topic === topic)
      await house.heard.until(() => mine().length === 3)
      assert.deepEqual(
        mine().map(({ payload }) => String(payload)),
        ['one', 'two', 'three'],
      )
      assert.deepEqual(
        wire.published('client').map((packet) => [packet.topic, packet.properties?.topicAlias]),
        [
          [topic, 3],
          ['', 3],
          ['', 3],
        ],
      )
    })

    for (const version of [4, 5] as const) {
      it(`mosquitto_rr asks and is answered, level ${version}`, async (t) => {
        const place = house.place()
        await house.own.subscribeAsync(`${place}/ask`, { qos: 1 })
        const asking = house.run(t, [
          ...mosquittoProgram('rr', house.door(version)),
          ...options({ t: `${place}/ask`, e: `${place}/answer`, m: 'who?', q: 1, W: 20 }),
          ...(version === 5 ? propertyOptions('publish', { 'correlation-data': 'c1' }) : []),
        ])
        const asked = await house.heardOn(`${place}/ask`)
        assert.equal(String(asked.payload), 'who?')
        const responseTopic = asked.properties?.responseTopic ?? `${place}/answer`
        const correlationData = asked.properties?.correlationData
        assert.deepEqual(
          [asked.properties?.responseTopic, correlationData && String(correlationData)],
          version === 5 ? [`${place}/answer`, 'c1'] : [undefined, undefined],
        )
        await house.own.publishAsync(responseTopic, 'it is me', {
          qos: 1,
          ...(correlationData === undefined ? {} : { properties: { correlationData } }),
        })
        assert.deepEqual((await asking).lines.items, ['it is me'])
      })
    }
  })

  describe(mqttJs.name, () => {
    it('publishes and hears by topic aliases, with user properties', async (t) => {
      const topic = `${house.place()}/a/long/topic`
      await house.own.subscribeAsync(topic, { qos: 1 })
      // At QoS 2 this client forgets the topic that an alias stood for.
      const { wire, subscriber } = await house.subscribed(t, 5, (door) => [
        ...mqttJs.subscribe(door, topic, 1),
        ...options({ 'properties.topicAliasMaximum': 5 }),
      ])
      const publishing = await house.tap(t, 5)
      const line: CommandLine = [
        ...mqttJsProgram('pub', publishing.door),
        ...options({ t: topic, q: 2, stdin: true, multiline: true, autoAssignTopicAlias: true }),
        ...options({ 'properties.userProperties.kind': 'test of users' }),
      ]
      await house.run(t, line, 'one\ntwo\nthree\n')
      for (const payload of ['one', 'two', 'three']) {
        await subscriber.lines.find((one) => one === `${topic} ${payload}`)
      }
      const sent = publishing.wire.published('client')
      assert.deepEqual(
        sent.map((packet) => packet.topic),
        [topic, '', ''],
      )
      assert.deepEqual(
        wire.published('server').map((packet) => packet.topic),
        [topic, '', ''],
      )
      const { properties } = await house.heardOn(topic)
      assert.deepEqual({ ...properties?.userProperties }, { kind: 'test of users' })
    })
  })

  for (const client of [pahoAsync, pahoSync]) {
    describe(client.name, { skip: client.skip }, () => {
      it('says its properties, and hears those of others', async (t) => {
        const place = house.place()
        await house.own.subscribeAsync(`${place}/theirs`, { qos: 1 })
        const { subscriber } = await house.subscribed(t, 5, (door) =>
          client.subscribe(door, `${place}/+`, 2),
        )
        await house.run(t, [
          ...client.publish(house.door(5), { topic: `${place}/theirs`, payload: 'hello', qos: 2 }),
          ...options({ 'message-expiry': 600 }),
          '--user-property',
          'kind',
          'test',
        ])
        const { properties } = await house.heardOn(`${place}/theirs`)
        assert.deepEqual({ ...properties?.userProperties }, { kind: 'test' })
        assert.ok((properties?.messageExpiryInterval ?? 0) > 570)
        await subscriber.line(/USER_PROPERTY key kind value test$/)
        await subscriber.line(/MESSAGE_EXPIRY_INTERVAL value (600|5[789]\d)$/)

        await house.own.publishAsync(`${place}/ours`, 'hello', {
          qos: 2,
          properties: {
            contentType: 'text/plain',
            responseTopic: `${place}/back`,
            correlationData: Buffer.from('42'),
          },
        })
        await subscriber.line(/CONTENT_TYPE value len text\/plain$/)
        await subscriber.line(new RegExp(`RESPONSE_TOPIC value len ${place}/back$`))
        await subscriber.line(/CORRELATION_DATA value len 42$/)
      })
    })
  }

  for (const { client, will } of [
    {
      client: mosquitto,
      will: propertyOptions(
        'will',
        {
          'content-type': 'text/plain',
          'response-topic': 'back',
          'message-expiry-interval': '600',
        },
        { kind: 'one', more: 'two' },
      ),
    },
    {
      client: mqttJs,
      will: options({
        'will.properties.contentType': 'text/plain',
        'will.properties.responseTopic': 'back',
        'will.properties.messageExpiryInterval': 600,
        'will.properties.userProperties.kind': 'one',
        'will.properties.userProperties.more': 'two',
      }),
    },
  ]) {
    it(`${client.name} leaves a Will with its properties`, { skip: client.skip }, async (t) => {
      const topic = `${house.place()}/will`
      await house.own.subscribeAsync(topic, { qos: 2 })
      const { subscriber } = await house.subscribed(t, 5, (door) => [
        ...client.subscribe(door, 'unused', 0),
        ...client.will(topic, 'gone'),
        ...will,
      ])
      subscriber.kill()
      const { payload, properties } = await house.heardOn(topic)
      assert.equal(String(payload), 'gone')
      const { messageExpiryInterval = 0, ...others } = properties ?? {}
      assert.deepEqual(
        { ...others, userProperties: { ...others.userProperties } },
        {
          contentType: 'text/plain',
          responseTopic: 'back',
          userProperties: { kind: 'one', more: 'two' },
        },
      )
      assert.ok(messageExpiryInterval > 570 && messageExpiryInterval <= 600)
    })
  }

  const skip = mosquitto.skip || pahoAsync.skip || pahoSync.skip
  it('retained messages go when their time is over, and tell how much is left', {
    skip,
  }, async (t) => {
    const place = house.place()
    const clients = [
      [mosquitto, (sec: string) => propertyOptions('publish', { 'message-expiry-interval': sec })],
      [pahoAsync, (sec: string) => options({ 'message-expiry': sec })],
      [pahoSync, (sec: string) => options({ 'message-expiry': sec })],
    ] as const
    for (const [index, [client, expiry]] of clients.entries()) {
      for (const sec of ['1', '600']) {
        const topic = `${place}/${sec}/${index}`
        const message = { topic, payload: `${index}`, qos: 1, retain: true } as const
        await house.run(t, [...client.publish(house.door(5), message), ...expiry(sec)])
      }
    }
    await wait(2100) // the time that the test is about
    const { wire } = await house.subscribed(t, 5, (door) =>
      mosquitto.subscribe(door, `${place}/#`, 1),
    )
    await house.own.publishAsync(`${place}/behind`, '', { qos: 1 })
    await wire.packets.until(() =>
      wire.published('server').some(({ topic }) => topic === `${place}/behind`),
    )
    await wire.packets.until(() => wire.published('server').length === 4)
    const kept = wire.published('server').filter(({ retain }) => retain)
    assert.deepEqual(
      kept.map(({ topic }) => topic).toSorted(),
      clients.map((_, index) => `${place}/600/${index}`),
    )
    for (const { properties } of kept) {
      const left = properties?.messageExpiryInterval ?? 0
      assert.ok(left > 500 && left < 600, `${left} s`)
    }
  })
})
