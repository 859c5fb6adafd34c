/** Sub-protocol of MQTT over WebSocket: `mqtt` [MQTT-6.0.0-3]; old libraries still say `mqttv3.1`. */
const SPOKEN = ['mqtt', 'mqttv3.1']

/** The first offered one that is spoken; `undefined` refuses the upgrade. */
export function chooseSubProtocol(offered: string): string | undefined {
  return offered
    .split(',')
    .map((name) => name.trim())
    .find((name) => SPOKEN.includes(name))
}
