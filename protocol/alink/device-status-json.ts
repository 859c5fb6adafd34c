/**
 * A device's status as JSON for back ends: `/as/mqtt/status/{pk}/{dn}` (server-subscription.md §5).
 * `time` is local to the process (`TZ`), `utcTime` the same moment in UTC; `lastTime` and `utcLastTime`
 * repeat them, since the original gives them no meaning any more.
 */
import fastJson from 'fast-json-stringify'
import type { Device } from '../../core/domain/registry.ts'

export interface DeviceStatus {
  readonly online: boolean
  readonly at: number
  readonly address: string | undefined
}

const stringifyStatus = fastJson({
  type: 'object',
  properties: {
    status: { type: 'string' },
    iotId: { type: 'string' },
    productKey: { type: 'string' },
    deviceName: { type: 'string' },
    time: { type: 'string' },
    utcTime: { type: 'string' },
    lastTime: { type: 'string' },
    utcLastTime: { type: 'string' },
    clientIp: { type: 'string' },
  },
})

export function encodeStatus(device: Device, { online, at, address }: DeviceStatus): string {
  const { iotId, productKey, deviceName } = device
  const moment = new Date(at)
  const time = localTime(moment)
  const utcTime = moment.toISOString()
  return stringifyStatus({
    status: online ? 'online' : 'offline',
    iotId,
    productKey,
    deviceName,
    time,
    utcTime,
    lastTime: time,
    utcLastTime: utcTime,
    clientIp: address ?? '',
  })
}

/** `2026-01-01 08:00:00.120` */
function localTime(moment: Date): string {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, -1).replace('T', ' ')
}
