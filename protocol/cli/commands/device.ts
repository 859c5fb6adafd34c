/** `tidegate device …` */
import type { Command } from 'commander'
import type { Device } from '../../../core/domain/registry.ts'
import type {
  DeviceDetail,
  DeviceSummary,
  RegisteredDevice,
  RemovedDevice,
} from '../../../core/services/devices.ts'
import { pathTo } from '../api-client.ts'
import { action, clientCommand, list, show, subcommand } from '../client.ts'
import { when } from '../table.ts'
import { processTerminal, type Terminal } from '../terminal.ts'

export function addDeviceCommands(program: Command, terminal: Terminal = processTerminal): void {
  const device = clientCommand(program, 'device', 'Devices: registration, status, removal')
  device.addHelpText(
    'after',
    '\nExamples:\n  tidegate device create k1demoPK01a meter-0042\n  tidegate device show k1demoPK01a meter-0042',
  )

  subcommand(device, 'create <product> [device]', 'Register a device; tells its secret this once')
    .option('--secret <secret>', '16 to 64 letters and digits; made where absent')
    .action(
      action(
        terminal,
        async (client, key: string, name: string | undefined, options: { secret?: string }) => {
          const body = { deviceName: name, deviceSecret: options.secret }
          const path = pathTo('products', key, 'devices')
          const made = await client.api.post<RegisteredDevice>(path, body)
          const { productKey, deviceName, deviceSecret } = made
          show(client, made, { productKey, deviceName, deviceSecret })
        },
      ),
    )

  subcommand(device, 'list <product>', 'List all devices of a product with their status').action(
    action(terminal, (client, key: string) =>
      list(
        client,
        client.api.items<DeviceSummary>(pathTo('products', key, 'devices')),
        ['DEVICE', 'STATUS', 'CREATED'],
        (d) => [d.deviceName, d.status, when(d.createdAt)],
      ),
    ),
  )

  subcommand(device, 'show <product> <device>', 'Show a device with its live status').action(
    action(terminal, async (client, key: string, name: string) => {
      const found = await client.api.get<DeviceDetail>(pathTo('products', key, 'devices', name))
      show(client, found, {
        ...found,
        createdAt: when(found.createdAt),
        activatedAt: when(found.activatedAt) || undefined,
        onlineAt: when(found.onlineAt) || undefined,
        offlineAt: when(found.offlineAt) || undefined,
      })
    }),
  )

  for (const [verb, enabled, description] of [
    ['enable', true, 'Let a device connect again'],
    ['disable', false, 'Close its connection and let it connect no more'],
  ] as const) {
    subcommand(device, `${verb} <product> <device>`, description).action(
      action(terminal, async (client, key: string, name: string) => {
        const path = pathTo('products', key, 'devices', name)
        const changed = await client.api.patch<Device>(path, { enabled })
        const { productKey, deviceName } = changed
        show(client, changed, { productKey, deviceName, enabled: changed.enabled })
      }),
    )
  }

  subcommand(
    device,
    'delete <product> <device>',
    'Remove a device with its secret and values',
  ).action(
    action(terminal, async (client, key: string, name: string) => {
      const path = pathTo('products', key, 'devices', name)
      const removed = await client.api.delete<RemovedDevice>(path)
      const { productKey, deviceName } = removed.device
      const properties = removed.properties.join(', ') || undefined
      show(client, removed, { removed: `${productKey} ${deviceName}`, properties })
    }),
  )
}
