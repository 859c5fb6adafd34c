import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BLANK_STATE, type DeviceState } from '../../core/domain/device-state.ts'
import type { DeviceNumber, ProductKey } from '../../core/domain/identifiers.ts'
import { CheckpointStore } from '../../storage/checkpoint-store.ts'
import { packRows } from '../../storage/packed-rows.ts'
import { RegistryStore } from '../../storage/registry-store.ts'
import { RegistryTransactions } from '../../storage/registry-transactions.ts'
import { fromState } from '../../storage/stored-values.ts'
import { START, secretBox, writableEnvironment } from './support.ts'

const ROW: DeviceState = {
  ...BLANK_STATE,
  token: { incarnation: 3, epoch: 70_000 },
  version: 2 ** 40,
  online: true,
  onlineAt: START,
  address: '2001:db8::1',
  properties: { größe: { value: [1, 'zwei', null], time: START } },
}

describe('packed rows', () => {
  it('are stored byte by byte as a checkpoint stores them', async (t) => {
    const environment = writableEnvironment(t)
    const writer = new RegistryTransactions(environment, secretBox(), 1000)
    const productKey = 'k1pumpaaaaa' as ProductKey
    await writer.createProduct({ productKey, name: 'Pumps', validation: 'weak', createdAt: START })
    for (const deviceName of ['pump-1', 'pump-2', 'pump-3']) {
      const deviceSecret = '0123456789abcdef'
      await writer.createDevice({
        productKey,
        deviceName,
        iotId: deviceName,
        deviceSecret,
        createdAt: START,
      })
    }
    const store = new CheckpointStore(environment)
    const [one, two, three, missing] = [1, 2, 3, 77] as DeviceNumber[] as [
      DeviceNumber,
      DeviceNumber,
      DeviceNumber,
      DeviceNumber,
    ]
    await store.checkpoint(
      [one, three].map((number) => ({ number, state: ROW })),
      undefined,
    )
    const offline = { ...ROW, online: false, offlineAt: START }
    await store.restore(
      packRows([
        { number: two, value: fromState(ROW) },
        { number: three, value: fromState(offline) },
        { number: missing, value: fromState(ROW) },
      ]),
    )
    const { states } = environment.databases
    assert.deepEqual(states.getBinary(two), states.getBinary(one))
    const reader = new RegistryStore(environment, secretBox())
    assert.deepEqual(
      { ...reader.state(three) },
      { ...offline, properties: reader.state(three)?.properties },
    )
    assert.deepEqual(reader.onlineNumbers(0, 10), [one, two], 'what was set offline is taken off')
    assert.equal(reader.state(missing), undefined, 'no row for a device that is no more')
    assert.deepEqual(reader.onlineNumbers(1, 1), [two])
    assert.equal(reader.onlineCount(), 2)
  })
})
