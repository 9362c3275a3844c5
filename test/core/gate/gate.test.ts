import { describe, expect, test } from 'vitest'
import { CHECK_NAMES, type CheckName, type GateRules, isPassed } from '../../../src/core/gate/check.ts'
import { gateChecks, NEVER_OVERRIDDEN } from '../../../src/core/gate/checks.ts'
import type { GateFacts } from '../../../src/core/gate/facts.ts'
import { contractGate, isOpen, usageOf } from '../../../src/core/gate/gate.ts'
import { COLUMN, client, facts, NOW_MS, oldTransaction, RULES, stranger, usage, watch } from './facts.ts'

const NOBODY = { check: 'leases', reason: 'nobody is deployed yet' } as const
const ALLOW: GateRules = { ...RULES, overrides: [NOBODY] }

const live = (instance: string) => ({ instance, state: 'live', blocks: true }) as const
const silent = (instance: string) => ({ instance, state: 'silent', blocks: true }) as const
const gone = (instance: string) => ({ instance, state: 'silent', blocks: false }) as const
const view = { kind: 'view', name: 'public.names' }
const BUSY = watch({ sinceMs: NOW_MS - 3_000, because: '"app-v1" wrote it through the old shape' })
const READS = usage({
  servers: [{ server: 'the primary', identity: '1/1', statements: { epoch: 'e', used: [] } }],
})

/** One thing that stands against each check. */
const AGAINST: Readonly<Record<Exclude<CheckName, 'inventory' | 'brownout'>, Partial<GateFacts>>> = {
  leases: { needing: [live('web-1')] },
  sessions: { sessions: { strangers: [stranger], unseen: [] } },
  transactions: { transactions: [oldTransaction] },
  usage: { watch: BUSY },
  clients: { clients: [client] },
  dependents: { dependents: { found: [view], areJobsHidden: false } },
}
const CASES = Object.entries(AGAINST) as [keyof typeof AGAINST, Partial<GateFacts>][]

describe('the gate is open', () => {
  test('when nobody and nothing stands against it, and says what was looked at', () => {
    expect(contractGate(facts(), RULES)).toEqual({
      open: true,
      checks: gateChecks(facts(), RULES),
      because: [
        `no instance uses ${COLUMN}`,
        'no session is of an unknown client',
        'no transaction is left from before the door was closed',
        `nothing has used ${COLUMN} for 60 min (seen: leases)`,
        'no client is declared',
        `nothing depends on ${COLUMN}`,
      ],
      overrides: [],
    })
  })

  test('when nobody ever registered and somebody takes the responsibility, which is kept', () => {
    expect(contractGate(facts({ everRegistered: false }), ALLOW)).toMatchObject({
      open: true,
      overrides: [NOBODY],
    })
  })

  test('without an override, when there is nothing that it would be needed for', () => {
    expect(contractGate(facts(), ALLOW)).toMatchObject({ open: true, overrides: [] })
  })

  test('when nobody ever registered, but readers are seen and none was there for long enough', () => {
    const alone = facts({ everRegistered: false, usage: READS })
    expect(contractGate(alone, RULES)).toMatchObject({
      open: true,
      because: expect.arrayContaining([
        'no instance was ever registered; its use is watched instead, readers included',
      ]),
      overrides: [],
    })
    const shorter = { ...alone, watch: watch({ sinceMs: NOW_MS - 3_599_000 }) }
    expect(contractGate(shorter, RULES).open).toBe(false)
    expect(contractGate({ ...alone, usage: usage() }, RULES)).toMatchObject({
      open: false,
      code: 'gate_closed',
    })
  })
})

test('statements that may not be seen keep nothing closed where leases tell and no quiet time is asked for', () => {
  const unseen = usage({ servers: [{ server: 'the primary', identity: '1/1', unseen: 'no right' }] })
  const rules: GateRules = { ...RULES, quietMs: 0 }
  expect(contractGate(facts({ usage: unseen }), rules).open).toBe(true)
  expect(contractGate(facts({ usage: unseen }), RULES).open).toBe(false)
  expect(contractGate(facts({ usage: unseen, everRegistered: false }), rules).open).toBe(false)
})

describe('one thing that stands against it', () => {
  test.for(CASES)('closes the gate, and is named: %s', ([name, more]) => {
    const checks = gateChecks(facts(more), RULES)
    expect(checks.filter((one) => !isPassed(one)).map(({ check }) => check)).toEqual([name])
    expect(isOpen(checks)).toBe(false)
    const red = checks.find(({ check }) => check === name)
    expect(red).toMatchObject({ state: 'red', hint: expect.stringMatching(/\w/) })
    expect(contractGate(facts(more), RULES)).toMatchObject({ open: false, because: red?.because })
  })

  test.for(CASES)('is gone without only where somebody may decide that: %s', ([name, more]) => {
    const rules: GateRules = { ...RULES, overrides: [{ check: name, reason: 'it is so' }] }
    const mayBe = !NEVER_OVERRIDDEN.some((one) => one === name) && name !== 'leases'
    const verdict = contractGate(facts(more), rules)
    expect(verdict.open).toBe(mayBe)
    if (verdict.open) expect(verdict.overrides).toEqual([{ check: name, reason: 'it is so' }])
  })

  test.for(CASES)('is not gone without for the sake of another: %s', ([name, more]) => {
    const overrides = CHECK_NAMES.filter((check) => check !== name).map((check) => ({ check, reason: 'x' }))
    expect(contractGate(facts(more), { ...RULES, overrides }).open).toBe(false)
  })

  test('is a dependent first, and an instance before what follows from it', () => {
    const all = Object.assign({}, ...Object.values(AGAINST)) as Partial<GateFacts>
    expect(contractGate(facts(all), RULES)).toMatchObject({ code: 'dependents_found' })
    expect(contractGate(facts({ ...all, dependents: facts().dependents }), RULES)).toMatchObject({
      code: 'instances_blocking',
    })
    expect(contractGate(facts({ ...all, dependents: facts().dependents, needing: [] }), RULES)).toMatchObject(
      {
        code: 'gate_closed',
      },
    )
  })
})

describe('an instance', () => {
  const only = (instance: string): GateRules => ({
    ...RULES,
    overrides: [{ check: 'leases', instance, reason: 'its machine burned down' }],
  })

  test('that is there is gone without only by its name', () => {
    expect(contractGate(facts({ needing: [live('web-1')] }), only('web-1'))).toMatchObject({
      open: true,
      overrides: [{ check: 'leases', instance: 'web-1', reason: 'its machine burned down' }],
    })
    expect(contractGate(facts({ needing: [live('web-1'), live('web-2')] }), only('web-1')).open).toBe(false)
    expect(contractGate(facts({ needing: [live('web-1')] }), ALLOW).open).toBe(false)
  })

  test('that nobody waits for is no override', () => {
    expect(contractGate(facts({ needing: [gone('web-1')] }), only('web-1'))).toMatchObject({ overrides: [] })
  })
})

describe('every combination of what is seen and decided', () => {
  const NEEDING = [[], [gone('a')], [live('a')], [silent('a')], [gone('a'), live('b')]]
  const SEEN = NEEDING.flatMap((needing) =>
    [[], [view]].flatMap((found) =>
      [[], [stranger]].flatMap((strangers) =>
        [watch(), BUSY].flatMap((watched) =>
          [true, false].flatMap((everRegistered) =>
            [RULES, ALLOW].map(
              (rules) =>
                [
                  facts({
                    needing,
                    dependents: { found, areJobsHidden: false },
                    sessions: { strangers, unseen: [] },
                    watch: watched,
                    everRegistered,
                  }),
                  rules,
                ] as const,
            ),
          ),
        ),
      ),
    ),
  )

  test('opens the gate exactly when nothing stands against it', () => {
    for (const [seen, rules] of SEEN) {
      const expected =
        seen.dependents.found.length === 0 &&
        seen.sessions.strangers.length === 0 &&
        seen.watch !== BUSY &&
        !seen.needing.some(({ blocks }) => blocks) &&
        (seen.everRegistered || rules === ALLOW)
      const verdict = contractGate(seen, rules)
      expect([seen, rules, verdict.open]).toEqual([seen, rules, expected])
      expect(verdict.because.length).toBeGreaterThan(0)
      expect(isOpen(gateChecks(seen, rules))).toBe(expected)
    }
  })

  test('is decided without changing what was seen', () => {
    for (const [seen, rules] of SEEN) {
      const before = JSON.stringify([seen, rules])
      contractGate(seen, rules)
      expect(JSON.stringify([seen, rules])).toBe(before)
    }
  })
})

describe('how far a column is from being used by nobody', () => {
  test.each<[string, Partial<GateFacts>]>([
    ['active', { needing: [silent('a'), live('b')] }],
    ['draining', { needing: [silent('a'), gone('b')] }],
    ['draining', { watch: watch({ sinceMs: NOW_MS }) }],
    ['draining', { sessions: { strangers: [stranger], unseen: [] } }],
    ['drained', { needing: [gone('b')] }],
    ['drained', {}],
    ['drained', { dependents: { found: [view], areJobsHidden: false } }],
    ['unknown', { everRegistered: false }],
  ])('is said in one word: %s', (said, more) => {
    expect(usageOf(facts(more), gateChecks(facts(more), RULES))).toBe(said)
  })
})
