/** MQTT topic names and filters (MQTT 5.0 §4.7): are they well formed, and do they match. */

/** 65,535 bytes is what a length field can say [MQTT-4.7.3-3]; devices get the limits of their profile. */
const MAX_TOPIC_CHARS = 65_535

/** True for a topic that may be published to. */
export function isTopicName(topic: string): boolean {
  if (topic.length === 0 || topic.length > MAX_TOPIC_CHARS) return false // [MQTT-4.7.3-1]
  for (let i = 0; i < topic.length; i++) {
    const c = topic.charCodeAt(i)
    if (c === 0 || c === 0x23 /* # */ || c === 0x2b /* + */) return false // [MQTT-4.7.0-1] [MQTT-4.7.3-2]
  }
  return true
}

/** True for a filter that may be subscribed: `+` fills a level, `#` only the last one. */
export function isTopicFilter(filter: string): boolean {
  if (filter.length === 0 || filter.length > MAX_TOPIC_CHARS) return false // [MQTT-4.7.3-1]
  for (let i = 0; i < filter.length; i++) {
    const c = filter.charCodeAt(i)
    if (c === 0) return false // [MQTT-4.7.3-2]
    const opensLevel = i === 0 || filter.charCodeAt(i - 1) === 0x2f
    if (c === 0x23 && !(opensLevel && i === filter.length - 1)) return false // [MQTT-4.7.1-1]
    if (c === 0x2b) {
      const closesLevel = i === filter.length - 1 || filter.charCodeAt(i + 1) === 0x2f
      if (!(opensLevel && closesLevel)) return false // [MQTT-4.7.1-2]
    }
  }
  return true
}

const SHARED = '$share/'

/** True for a filter of a shared subscription, well formed or not (MQTT 5.0 §4.8.2). */
export function isShared(filter: string): boolean {
  return filter.startsWith(SHARED)
}

/** The filter within `$share/{group}/{filter}`; `undefined`: it is malformed [MQTT-4.8.2-1] [MQTT-4.8.2-2]. */
export function filterOfShared(shared: string): string | undefined {
  const end = shared.indexOf('/', SHARED.length)
  if (end <= SHARED.length || /[+#]/.test(shared.slice(SHARED.length, end))) return undefined
  const filter = shared.slice(end + 1)
  return isTopicFilter(filter) ? filter : undefined
}

/** True where a well-formed filter matches a well-formed topic name, character by character [MQTT-4.7.3-4]. */
export function matches(filter: string, topic: string): boolean {
  if (topic.charCodeAt(0) === 0x24 /* $ */ && filter.charCodeAt(0) !== 0x24) return false // [MQTT-4.7.2-1]
  let f = 0
  let t = 0
  while (f < filter.length) {
    const c = filter.charCodeAt(f)
    if (c === 0x23) return true // `#`: this level and all below
    if (c === 0x2b) {
      f += 1
      while (t < topic.length && topic.charCodeAt(t) !== 0x2f) t += 1
      continue
    }
    if (t >= topic.length) return c === 0x2f && filter.charCodeAt(f + 1) === 0x23 // `a/#` matches `a`
    if (c !== topic.charCodeAt(t)) return false
    f += 1
    t += 1
  }
  return t === topic.length
}

/**
 * True where every topic that `narrow` can match is also matched by `wide`: what a policy that
 * grants `wide` says to a subscription of `narrow`.
 */
export function covers(wide: string, narrow: string): boolean {
  const a = wide.split('/')
  const b = narrow.split('/')
  const dollar = narrow.startsWith('$')
  for (let i = 0; i < a.length; i++) {
    const level = a[i]
    if (i === 0 && dollar && (level === '#' || level === '+')) return false // [MQTT-4.7.2-1]
    if (level === '#') return true
    const other = b[i]
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return a.length === b.length
}
