import { describe, expect, test } from 'vitest'
import { renderGates } from '../../../src/cli/render/gate.ts'
import { isOpen } from '../../../src/core/run/gate.ts'
import type { GateCheck, GateReport } from '../../../src/index.ts'
import { marked, plain } from '../../support/terminals.ts'

const LEASES: GateCheck = { check: 'leases', green: true, because: ['no instance uses it'] }
const USED: GateCheck = {
  check: 'leases',
  green: false,
  code: 'instances_blocking',
  because: ['the instance "a" uses it', 'the instance "b" uses it'],
  hint: 'Stop them.',
}
const FREE: GateCheck = { check: 'dependents', green: true, because: ['nothing depends on it'] }
const NEEDED: GateCheck = {
  check: 'dependents',
  green: false,
  code: 'dependents_found',
  because: ['the view v depends on it'],
  hint: 'Change it.',
}
const report = (usage: GateReport['usage'], ...checks: readonly GateCheck[]): GateReport => ({
  table: { namespace: 'public', name: 'users' },
  column: 'name',
  usage,
  checks,
  open: isOpen(checks),
})

describe('a gate', () => {
  test('that is open says why', () => {
    expect(renderGates([report('drained', LEASES, FREE)], plain)).toBe(
      `"users"."name" is drained
  leases      green  no instance uses it
  dependents  green  nothing depends on it`,
    )
  })

  test('that is closed says what stands against it first, all of it, and what to do about it', () => {
    expect(renderGates([report('active', USED, FREE)], plain)).toBe(
      `"users"."name" is active
  leases      red    the instance "a" uses it
                     the instance "b" uses it
                     Stop them.
  dependents  green  nothing depends on it`,
    )
    expect(renderGates([report('drained', LEASES, NEEDED)], plain)).toBe(
      `"users"."name" is drained
  dependents  red    the view v depends on it
                     Change it.
  leases      green  no instance uses it`,
    )
  })

  test('is shown for each column', () => {
    const text = renderGates([report('drained', LEASES, FREE), report('draining', USED, NEEDED)], plain)
    expect(text.split('\n').filter((line) => line.startsWith('"users"'))).toEqual([
      '"users"."name" is drained',
      '"users"."name" is draining',
    ])
  })

  test('has colours where there are any: green for what may go on, yellow for what waits, red for why', () => {
    expect(renderGates([report('drained', LEASES, FREE)], marked)).toContain('is <green>drained</>')
    for (const usage of ['active', 'draining', 'unknown'] as const)
      expect(renderGates([report(usage, USED, FREE)], marked)).toContain(`is <yellow>${usage}</>`)
    expect(renderGates([report('active', USED, FREE)], marked)).toContain('<red>red  </>')
  })
})
