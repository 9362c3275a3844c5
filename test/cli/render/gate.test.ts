import { describe, expect, test } from 'vitest'
import { renderGates } from '../../../src/cli/render/gate.ts'
import { isOpen } from '../../../src/core/gate/gate.ts'
import type { GateCheck, GateReport } from '../../../src/index.ts'
import { marked, plain } from '../../support/terminals.ts'

const LEASES: GateCheck = {
  check: 'leases',
  state: 'green',
  because: ['no instance uses it'],
  offenders: [],
}
const USED: GateCheck = {
  check: 'leases',
  state: 'red',
  code: 'instances_blocking',
  offenders: [
    {
      who: 'the instance "a"',
      role: 'app',
      application: 'shop/a',
      address: '10.0.0.3',
      firstSeen: '2026-11-24T20:00:00.123456+00:00',
      lastSeen: '2026-11-24T20:01:00+00:00',
      fix: 'stop it',
    },
    { who: 'the instance "b"', fix: 'stop it' },
  ],
  because: ['the instance "a" uses it', 'the instance "b" uses it'],
  hint: 'Stop them.',
}
const FREE: GateCheck = {
  check: 'dependents',
  state: 'green',
  because: ['nothing depends on it'],
  offenders: [],
}
const NEEDED: GateCheck = {
  check: 'dependents',
  state: 'red',
  code: 'dependents_found',
  offenders: [],
  because: ['the view v depends on it'],
  hint: 'Change it.',
}
const report = (usage: GateReport['usage'], ...checks: readonly GateCheck[]): GateReport => ({
  table: { namespace: 'public', name: 'users' },
  column: 'name',
  usage,
  checks,
  absent: [],
  open: isOpen(checks),
})

describe('a gate', () => {
  test('that is open says why', () => {
    expect(renderGates([report('drained', LEASES, FREE)], plain)).toBe(
      `"users"."name" is drained
  leases        green    no instance uses it
  dependents    green    nothing depends on it`,
    )
  })

  test('that is closed says what stands against it first, all of it, and what to do about it', () => {
    expect(renderGates([report('active', USED, FREE)], plain)).toBe(
      `"users"."name" is active
  leases        red      the instance "a" uses it
                         the instance "b" uses it
                         - the instance "a" (role app, called "shop/a", from 10.0.0.3, since 2026-11-24 20:00:00 UTC, last seen 2026-11-24 20:01:00 UTC): stop it
                         - the instance "b": stop it
                         Stop them.
  dependents    green    nothing depends on it`,
    )
    expect(renderGates([report('drained', LEASES, NEEDED)], plain)).toBe(
      `"users"."name" is drained
  dependents    red      the view v depends on it
                         Change it.
  leases        green    no instance uses it`,
    )
  })

  test('tells what is not known from what is bad, and what somebody goes on without', () => {
    const unknown: GateCheck = { ...USED, state: 'unknown', offenders: [] }
    expect(renderGates([report('unknown', unknown)], marked)).toContain('<yellow>unknown</>')
    const overridden: GateCheck = { ...USED, overridden: 'it is only the intern' }
    expect(renderGates([report('active', overridden)], plain)).toBe(
      `"users"."name" is active
  leases        red      the instance "a" uses it
                         the instance "b" uses it
                         gone on without: it is only the intern`,
    )
  })

  test('says what could not be looked at, or was not', () => {
    const because = 'it cannot be tried'
    const absent = (['unavailable', 'not_asked_for'] as const).map(
      (state) => ({ check: 'brownout', state, because }) as const,
    )
    expect(
      renderGates([{ ...report('drained', FREE), absent }], plain)
        .split('\n')
        .slice(2),
    ).toEqual([
      '  brownout      -        unavailable: it cannot be tried',
      '  brownout      -        not asked for: it cannot be tried',
    ])
  })

  test('of a large fleet shows the first of them, and how many more there are', () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `the instance "web-${at}"`)
    const fleet: GateCheck = {
      ...USED,
      because: names.map((name) => `${name} uses it`),
      offenders: names.map((who) => ({ who, fix: 'stop it' })),
    }
    const lines = renderGates([report('active', fleet)], plain).split('\n')
    expect(lines.filter((line) => line.trim() === 'and 990 more; --json shows them all')).toHaveLength(2)
    expect(lines).toHaveLength(1 + 11 + 11 + 1)
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
    expect(renderGates([report('active', USED, FREE)], marked)).toContain('<red>red    </>')
  })
})
