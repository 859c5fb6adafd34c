/** Quality of service (MQTT 5.0 §4.3): at most once, at least once, exactly once. */
export type Qos = 0 | 1 | 2

/** Of a message's and a subscription's [MQTT-3.8.4-8]. */
export function lowerQos(a: Qos, b: Qos): Qos {
  return a < b ? a : b
}
