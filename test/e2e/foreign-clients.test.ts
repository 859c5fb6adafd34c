/** MQTT as clients speak it that know nothing of us: the same claims for each, in both versions. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { mosquitto, mqttJs, pahoAsync, pahoSync } from '../support/foreign-clients.ts'
import { ForeignHouse } from '../support/foreign-house.ts'
import { ForeignProcess } from '../support/foreign-process.ts'

const CLIENTS = [mosquitto, mqttJs, pahoAsync, pahoSync]
const VERSIONS = [
  [4, 'MQTT 3.1.1'],
  [5, 'MQTT 5'],
] as const

/** A message and what follows it; `there` is who sent it. */
const EXCHANGES = {
  0: ['there publish'],
  1: ['there publish', 'back puback'],
  2: ['there publish', 'back pubrec', 'there pubrel', 'back pubcomp'],
} as const

// Paho's programs sleep much of their time, so two clients go at once.
describe('foreign clients', { concurrency: 2 }, () => {
  let house: ForeignHouse
  before(async () => {
    house = await ForeignHouse.open()
  })
  after(() => house.close())

  for (const client of CLIENTS) {
    for (const [version, versionName] of VERSIONS) {
      describe(`${client.name}, ${versionName}`, { skip: client.skip }, () => {
        for (const qos of [0, 1, 2] as const) {
          it(`publishes, and hears by wildcard, at QoS ${qos}`, async (t) => {
            const place = house.place()
            const filter = `${place}/+/b/#`
            const hearing = await house.subscribed(t, version, (door) =>
              client.subscribe(door, filter, qos),
            )
            const { granted } = await hearing.wire.packet('server', 'suback')
            assert.deepEqual(granted, [qos])
            await house.own.publishAsync(`${place}/b/beside`, 'not for it', { qos: 1 })
            const topic = `${place}/a/b/c/d`
            const publishing = await house.tap(t, version)
            await house.run(t, client.publish(publishing.door, { topic, payload: 'hello', qos }))
            await hearing.subscriber.line(said(topic, 'hello'))

            for (const [wire, from, to] of [
              [publishing.wire, 'client', 'server'],
              [hearing.wire, 'server', 'client'],
            ] as const) {
              const expected = EXCHANGES[qos].map((step) =>
                step.replace('there', from).replace('back', to),
              )
              await wire.packets.until(() => wire.exchange.length >= expected.length)
              assert.deepEqual(wire.exchange, expected)
              const [message] = wire.published(from)
              assert.deepEqual([message?.topic, message?.qos], [topic, qos])
            }
          })
        }

        it('retains a message for who comes later, and removes it', async (t) => {
          const place = house.place()
          const topic = `${place}/one`
          await house.own.publishAsync(`${place}/other`, 'stays', { qos: 1, retain: true })
          const kept = { topic, payload: 'kept', qos: 1, retain: true } as const
          await house.run(t, client.publish(house.door(version), kept))
          const subscribe = () =>
            house.subscribed(t, version, (door) => client.subscribe(door, `${place}/#`, 1))

          const first = await subscribe()
          await first.subscriber.line(said(`${place}/other`, 'stays'))
          await first.subscriber.line(said(topic, 'kept'))
          await house.run(t, client.publish(house.door(version), { ...kept, payload: '' }))
          const { wire } = first
          await wire.packets.until(() => wire.published('server').length === 3)
          const [, , removal] = wire.published('server')
          assert.deepEqual([removal?.topic, removal?.payload.length], [topic, 0])
          assert.deepEqual(
            wire.published('server').map(({ retain }) => retain),
            [true, true, false],
          )

          const second = await subscribe()
          await second.subscriber.line(said(`${place}/other`, 'stays'))
          await house.own.publishAsync(`${place}/now`, 'live', { qos: 1 })
          await second.subscriber.line(said(`${place}/now`, 'live'))
          assert.deepEqual(
            second.wire.published('server').map((packet) => [packet.topic, packet.retain]),
            [
              [`${place}/other`, true],
              [`${place}/now`, false],
            ],
          )
        })

        it('leaves its Will when it is killed, and none when it takes leave', async (t) => {
          const place = house.place()
          await house.own.subscribeAsync(`${place}/#`, { qos: 1 })
          const doomed = await house.subscribed(t, version, (door) => [
            ...client.subscribe(door, `${place}/unused`, 0),
            ...client.will(`${place}/killed`, 'gone'),
          ])
          doomed.subscriber.kill()
          const will = await house.heardOn(`${place}/killed`)
          assert.deepEqual([String(will.payload), will.qos, will.retain], ['gone', 1, false])

          const last = { topic: `${place}/last`, payload: 'bye', qos: 1 } as const
          await house.run(t, [
            ...client.publish(house.door(version), last),
            ...client.will(`${place}/polite`, 'must not come'),
          ])
          await house.own.publishAsync(`${place}/behind`, '', { qos: 1 })
          await house.heardOn(`${place}/behind`)
          const topics = house.heard.items.map(({ topic }) => topic)
          assert.deepEqual(
            topics.filter((topic) => topic.startsWith(`${place}/`)),
            [`${place}/killed`, `${place}/last`, `${place}/behind`],
          )
        })

        it('logs in over TLS with the user name and password of a key, and with no other', async (t) => {
          const place = house.place()
          const door = await house.securedDoor(version, place)
          await house.own.publishAsync(`${place}/ready`, 'yes', { qos: 1, retain: true })
          const subscriber = ForeignProcess.start(t, client.subscribe(door, `${place}/#`, 1))
          await subscriber.line(said(`${place}/ready`, 'yes'))
          const message = { topic: `${place}/secret`, payload: 'by TLS', qos: 1 } as const
          await house.run(t, client.publish(door, message))
          await subscriber.line(said(message.topic, message.payload))

          const wrong = { ...door, secured: { ...door.secured, secret: 'wrong' } }
          const refused = ForeignProcess.start(t, client.publish(wrong, message))
          await refused.line(client.refusal)
          refused.kill() // Paho's asynchronous one would stay
        })
      })
    }
  }
})

/** The line in which a subscriber says a message; Paho's puts a length before, and a tab between. */
function said(topic: string, payload: string): RegExp {
  return new RegExp(`^(\\d+ )?${topic}[ \\t]${payload}$`)
}
