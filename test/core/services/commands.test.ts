import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meterHouse } from '../../support/service-house.ts'

describe('service calls', () => {
  it('calls a service with inputs that the model allows', async () => {
    const { services, owner, meter } = await meterHouse()
    const outcome = await services.commands.callService(meter, 'Reboot', { Delay: 5 }, 0)
    assert.deepEqual(outcome, { kind: 'sent', id: '880011' })
    assert.deepEqual(owner.commands[0]?.command, {
      kind: 'service-call',
      service: 'Reboot',
      inputs: { Delay: 5 },
    })
  })

  it('refuses unknown services and inputs beyond the model', async () => {
    const { services, owner, meter } = await meterHouse()
    const call = (service: string, inputs: Record<string, number>): Promise<unknown> =>
      services.commands.callService(meter, service, inputs, 0)
    await assert.rejects(call('Explode', {}), { code: 'model.service-not-found' })
    await assert.rejects(call('set', { target: 1 }), { code: 'model.service-not-found' })
    await assert.rejects(call('Reboot', { Delay: 61 }), { code: 'value.invalid' })
    assert.deepEqual(owner.commands, [])
  })

  it('passes on what the owner says', async () => {
    const { services, owner, meter } = await meterHouse()
    owner.failure = 'device.offline'
    await assert.rejects(services.commands.callService(meter, 'Reboot', { Delay: 1 }, 0), {
      code: 'device.offline',
    })
  })
})
