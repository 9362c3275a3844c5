import { describe, expect, test } from 'vitest'
import {
  contractGate,
  type GateFacts,
  type GateRules,
  gateChecks,
  isOpen,
  usageOf,
} from '../../../src/core/run/gate.ts'

const COLUMN = '"users"."name"'
const facts = (more: Partial<GateFacts> = {}): GateFacts => ({
  column: COLUMN,
  needing: [],
  everRegistered: true,
  dependents: [],
  ...more,
})
const REFUSE: GateRules = { whenNoneRegistered: 'refuse' }
const ALLOW: GateRules = { whenNoneRegistered: 'allow', reason: 'nobody is deployed yet' }

const live = (instance: string) => ({ instance, state: 'live', blocks: true }) as const
const silent = (instance: string) => ({ instance, state: 'silent', blocks: true }) as const
const gone = (instance: string) => ({ instance, state: 'silent', blocks: false }) as const
const view = { kind: 'view', name: 'public.names' }
const policy = { kind: 'policy', name: 'own on public.users' }

describe('the gate is open', () => {
  test.each<[string, Partial<GateFacts>, GateRules, readonly string[]]>([
    ['when nobody needs the column', {}, REFUSE, []],
    ['whatever the rule for nobody says', {}, ALLOW, []],
    [
      'when whoever needed it is surely gone',
      { needing: [gone('web-1'), gone('web-2')] },
      REFUSE,
      [
        'the instance "web-1" is silent, its grace is over and no session of it is left',
        'the instance "web-2" is silent, its grace is over and no session of it is left',
      ],
    ],
  ])('%s', (_what, more, rules, first) => {
    expect(contractGate(facts(more), rules)).toEqual({
      open: true,
      because: [...first, `no instance uses ${COLUMN}`, `nothing depends on ${COLUMN}`],
      overrides: [],
    })
  })

  test('when nobody ever registered and somebody takes the responsibility, which is kept', () => {
    expect(contractGate(facts({ everRegistered: false }), ALLOW)).toEqual({
      open: true,
      because: [`no instance uses ${COLUMN}`, `nothing depends on ${COLUMN}`],
      overrides: [{ check: 'instances', reason: 'nobody is deployed yet' }],
    })
  })

  test('even when no reason was given, which is kept, too', () => {
    const verdict = contractGate(facts({ everRegistered: false }), { whenNoneRegistered: 'allow' })
    expect(verdict).toMatchObject({
      open: true,
      overrides: [{ check: 'instances', reason: 'no reason was given' }],
    })
  })
})

describe('the gate is closed', () => {
  const INSTANCE_HINT = 'Update or stop them; of one that is surely gone say so: bellows instances release '
  const DEPENDENT_HINT =
    'Change each to use the new column, or drop it; Bellows never drops what it did not make.'

  test.each<[string, Partial<GateFacts>, string, readonly string[], string]>([
    [
      'a view',
      { dependents: [view] },
      'dependents_found',
      [`the view public.names depends on ${COLUMN}`],
      DEPENDENT_HINT,
    ],
    [
      'several things',
      { dependents: [view, policy] },
      'dependents_found',
      [`the view public.names depends on ${COLUMN}`, `the policy own on public.users depends on ${COLUMN}`],
      DEPENDENT_HINT,
    ],
    [
      'an instance',
      { needing: [live('web-1')] },
      'instances_blocking',
      [`the instance "web-1" uses ${COLUMN}`],
      `${INSTANCE_HINT}web-1`,
    ],
    [
      'a silent instance that may still be there',
      { needing: [silent('web-1')] },
      'instances_blocking',
      [`the instance "web-1" is silent but not known to be gone; it uses ${COLUMN}`],
      `${INSTANCE_HINT}web-1`,
    ],
    [
      'some of several instances',
      { needing: [gone('web-0'), live('web-1'), silent('web-2'), gone('web-3')] },
      'instances_blocking',
      [
        `the instance "web-1" uses ${COLUMN}`,
        `the instance "web-2" is silent but not known to be gone; it uses ${COLUMN}`,
      ],
      `${INSTANCE_HINT}web-1`,
    ],
    [
      'dependents first, instances after them',
      { needing: [live('web-1')], dependents: [view], everRegistered: false },
      'dependents_found',
      [`the view public.names depends on ${COLUMN}`],
      DEPENDENT_HINT,
    ],
    [
      'nobody knowing who there is',
      { everRegistered: false },
      'gate_closed',
      [`no instance was ever registered, so nobody knows whether one uses ${COLUMN}`],
      `Have the application register (import { announce } from 'bellows/app', or select bellows.register(...)), or take the responsibility: --allow-no-instances "<why>"`,
    ],
  ])('because of %s', (_what, more, code, because, hint) => {
    expect(contractGate(facts(more), REFUSE)).toEqual({ open: false, code, because, hint })
  })

  test.each<[string, Partial<GateFacts>]>([
    ['an instance', { needing: [live('web-1')] }],
    ['a dependent', { dependents: [view] }],
    ['an instance, though none was ever registered', { needing: [live('web-1')], everRegistered: false }],
  ])('whatever is allowed, because of %s', (_what, more) => {
    expect(contractGate(facts(more), ALLOW).open).toBe(false)
  })
})

describe('the checks', () => {
  test('are all made, whatever the first of them says', () => {
    expect(gateChecks(facts({ needing: [live('web-1')], dependents: [view] }), REFUSE)).toMatchObject([
      { check: 'leases', green: false, code: 'instances_blocking' },
      { check: 'dependents', green: false, code: 'dependents_found' },
    ])
    expect(gateChecks(facts(), REFUSE)).toMatchObject([
      { check: 'leases', green: true },
      { check: 'dependents', green: true },
    ])
  })

  test.each([
    ['everything is green', {}, true],
    ['one is red', { needing: [live('a')] }, false],
    ['the other is red', { dependents: [view] }, false],
    ['both are red', { needing: [live('a')], dependents: [view] }, false],
  ])('open the gate or not: %s', (_what, more, open) => {
    expect(isOpen(gateChecks(facts(more), REFUSE))).toBe(open)
  })

  test.each<[string, Partial<GateFacts>]>([
    ['active', { needing: [silent('a'), live('b')] }],
    ['draining', { needing: [silent('a'), gone('b')] }],
    ['drained', { needing: [gone('b')] }],
    ['drained', {}],
    ['drained', { dependents: [view] }],
    ['unknown', { everRegistered: false }],
  ])('tell how far the column is from being used by nobody: %s', (usage, more) => {
    expect(usageOf(facts(more))).toBe(usage)
  })
})

describe('every combination of facts and rules', () => {
  const NEEDING = [[], [gone('a')], [live('a')], [silent('a')], [gone('a'), live('b')]]
  const CASES = NEEDING.flatMap((needing) =>
    [[], [view]].flatMap((dependents) =>
      [true, false].flatMap((everRegistered) =>
        [REFUSE, ALLOW].map((rules) => [facts({ needing, dependents, everRegistered }), rules] as const),
      ),
    ),
  )

  test('opens exactly when nothing stands against it', () => {
    for (const [seen, rules] of CASES) {
      const expected =
        seen.dependents.length === 0 &&
        !seen.needing.some(({ blocks }) => blocks) &&
        (seen.everRegistered || rules.whenNoneRegistered === 'allow')
      const verdict = contractGate(seen, rules)
      expect([seen, rules, verdict.open]).toEqual([seen, rules, expected])
      expect(verdict.because.length).toBeGreaterThan(0)
      expect(isOpen(gateChecks(seen, rules))).toBe(expected)
    }
  })

  test('is decided without changing what was seen', () => {
    for (const [seen, rules] of CASES) {
      const before = JSON.stringify([seen, rules])
      contractGate(seen, rules)
      expect(JSON.stringify([seen, rules])).toBe(before)
    }
  })
})
