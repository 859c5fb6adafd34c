/** Command-line clients of others, each as the arguments that make it do what the tests ask. */
import { fileURLToPath } from 'node:url'
import type { CommandLine } from './foreign-process.ts'
import { missingTool } from './required-tool.ts'

/** Where and as whom a client connects. */
export interface Door {
  readonly port: number
  /** 4: MQTT 3.1.1 */
  readonly version: 4 | 5
  /** TLS by this CA, with the user name and password of an access key. */
  readonly secured?: { readonly caFile: string; readonly id: string; readonly secret: string }
}

interface Message {
  readonly topic: string
  /** '' is an empty payload: what removes a retained message. */
  readonly payload: string
  readonly qos: 0 | 1 | 2
  readonly retain?: boolean
}

export interface ForeignClient {
  readonly name: string
  readonly skip: string | false
  /** Publishes one message and leaves. */
  publish(door: Door, message: Message): CommandLine
  /** Subscribes, says each message in a line with its topic, and stays. */
  subscribe(door: Door, filter: string, qos: 0 | 1 | 2): CommandLine
  /** Options behind either: a Will with QoS 1. */
  will(topic: string, payload: string): readonly string[]
  /** What it says where its password is wrong. */
  readonly refusal: RegExp
}

const HOST = '127.0.0.1'

/** `{ t: 'a', 'will-qos': 1, r: true, n: false }` as `-t a --will-qos 1 -r`. */
export function options(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const option = name.length === 1 ? `-${name}` : `--${name}`
    if (typeof value !== 'boolean') return [option, `${value}`]
    return value ? [option] : []
  })
}

export const mosquitto: ForeignClient = {
  name: 'Mosquitto',
  skip: missingTool('sh', ['-c', 'command -v mosquitto_rr'], 'mosquitto-clients'),
  publish: (door, message) => [...mosquittoProgram('pub', door), ...publishOptions(message)],
  subscribe: (door, filter, qos) => [
    ...mosquittoProgram('sub', door),
    ...options({ t: filter, q: qos, F: '%t %p' }),
  ],
  will: (topic, payload) =>
    options({ 'will-topic': topic, 'will-payload': payload, 'will-qos': 1 }),
  refusal: /not authori[sz]ed|bad user name/i,
}

export function mosquittoProgram(
  program: 'pub' | 'sub' | 'rr',
  { port, version, secured }: Door,
): CommandLine {
  const V = version === 5 ? 'mqttv5' : 'mqttv311'
  return [
    `mosquitto_${program}`,
    ...options({ h: HOST, p: port, V }),
    ...(secured === undefined ? [] : loginOptions(secured)),
  ]
}

export const mqttJs: ForeignClient = {
  name: "MQTT.js's command line",
  skip: false, // a dependency of ours
  publish: (door, { topic, payload, qos, retain = false }) => [
    ...mqttJsProgram('pub', door),
    ...options({ t: topic, q: qos, m: payload, r: retain }),
  ],
  subscribe: (door, filter, qos) => [
    ...mqttJsProgram('sub', door),
    ...options({ t: filter, q: qos, v: true }),
  ],
  // its --will-topic would put away --will.properties
  will: (topic, payload) =>
    options({ 'will.topic': topic, 'will.payload': payload, 'will.qos': 1 }),
  refusal: /not authori[sz]ed|bad user ?name/i,
}

/** Options that it does not name go to the library as they are: `--properties.userProperties.a b`. */
export function mqttJsProgram(
  program: 'pub' | 'sub',
  { port, version, secured }: Door,
): CommandLine {
  const bin = new URL(`./bin/${program}.js`, import.meta.resolve('mqtt'))
  const place = options({ h: HOST, p: port, protocolVersion: version })
  if (secured !== undefined) {
    place.push(...options({ l: 'mqtts', ca: secured.caFile }))
    place.push(`--username=${secured.id}`, `--password=${secured.secret}`) // may begin with a hyphen
  }
  return [process.execPath, fileURLToPath(bin), ...place]
}

/** Eclipse's C library, as its asynchronous (`c`) or synchronous (`cs`) programs. */
function paho(name: string, programs: 'paho_c' | 'paho_cs'): ForeignClient {
  return {
    name,
    skip: missingTool('sh', ['-c', `command -v ${programs}_pub`], 'paho.mqtt.c-examples'),
    publish: (door, message) => [`${programs}_pub`, ...pahoDoor(door), ...publishOptions(message)],
    subscribe: (door, filter, qos) => [
      `${programs}_sub`,
      ...pahoDoor(door),
      ...options({ t: filter, q: qos, verbose: true }),
    ],
    will: (topic, payload) => mosquitto.will(topic, payload),
    refusal: /Connect failed/,
  }
}

let pahoClients = 0

/** With a client identifier each: by themselves all of a kind have the same, and close each other. */
function pahoDoor({ port, version, secured }: Door): readonly string[] {
  pahoClients += 1
  const own = options({ V: version === 5 ? '5' : '311', i: `paho-${pahoClients}` })
  return secured === undefined
    ? [...own, ...options({ h: HOST, p: port })]
    : [...own, ...options({ c: `ssl://${HOST}:${port}` }), ...loginOptions(secured)]
}

export const pahoAsync: ForeignClient = paho('Paho C', 'paho_c')
export const pahoSync: ForeignClient = paho('Paho C, synchronous', 'paho_cs')

/** In which Mosquitto and Paho agree. */
function publishOptions({ topic, payload, qos, retain = false }: Message): readonly string[] {
  const content = payload === '' ? { n: true } : { m: payload }
  return options({ t: topic, q: qos, r: retain, ...content })
}

function loginOptions({ caFile, id, secret }: Required<Door>['secured']): readonly string[] {
  return options({ cafile: caFile, u: id, P: secret })
}
