import { describe, expect, test } from 'vitest'
import { inventoryCheck } from '../../../src/core/gate/inventory.ts'
import type { FleetInstance } from '../../../src/core/rollout/fleet.ts'

const instance = (version: string, state: FleetInstance['state'] = 'serving'): FleetInstance => ({
  id: `web-1-${version}`,
  role: 'web',
  slot: 1,
  version,
  state,
  health: { passes: 1, failures: 0, healthyForMs: 1 },
  inStateMs: 1,
})

describe('the inventory of what was rolled out', () => {
  test('is green when nothing of another version is left', () => {
    const fleet = [instance('2'), instance('1', 'gone')]
    expect(inventoryCheck({ version: '2', isRolledOut: true, fleet })).toMatchObject({
      state: 'green',
      because: ['every instance that its deployer knows is of "2"'],
    })
  })

  test.for(['starting', 'serving', 'draining', 'stopping'] as const)(
    'is red while an old instance is %s',
    (state) => {
      expect(
        inventoryCheck({ version: '2', isRolledOut: true, fleet: [instance('1', state)] }),
      ).toMatchObject({
        state: 'red',
        because: [`the instance "web-1-1" of "1" is still there, ${state}`],
        offenders: [{ who: 'the instance "web-1-1"', application: 'web' }],
      })
    },
  )

  test('is red while the rollout has not ended well, whatever runs', () => {
    expect(inventoryCheck({ version: '2', isRolledOut: false, fleet: [instance('2')] })).toMatchObject({
      state: 'red',
      because: ['the rollout of "2" has not ended well'],
    })
  })

  test('is not known when the deployer does not answer', () => {
    expect(inventoryCheck({ unreadable: 'no socket' })).toMatchObject({
      state: 'unknown',
      because: ['no socket'],
    })
  })
})
