/** Sub-protocols of MQTT over WebSocket, the one of the standard first; old libraries say `mqttv3.1` alone. */
const SPOKEN = ['mqtt', 'mqttv3.1']

/** `mqtt` wherever it is offered [MQTT-6.0.0-4]; `undefined` refuses the upgrade [MQTT-6.0.0-3]. */
export function chooseSubProtocol(offered: string): string | undefined {
  const names = offered.split(',').map((name) => name.trim())
  return SPOKEN.find((name) => names.includes(name))
}
