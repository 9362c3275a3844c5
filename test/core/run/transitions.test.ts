import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PHASES } from '../../../src/core/plan/step.ts'
import { mayEnter, type RunState, STATE_OF_PHASE, TRANSITIONS } from '../../../src/core/run/transitions.ts'

const STATES = Object.keys(TRANSITIONS) as RunState[]
const TERMINAL: readonly RunState[] = ['completed', 'rolled_back']

/** Every state that can be come to from one, in any number of steps. */
function reachable(from: RunState): ReadonlySet<RunState> {
  const seen = new Set<RunState>()
  const visit = (state: RunState): void => {
    if (seen.has(state)) return
    seen.add(state)
    TRANSITIONS[state].forEach(visit)
  }
  TRANSITIONS[from].forEach(visit)
  return seen
}

/** A walk: of the states that may come next, one is chosen at each step; it ends where nothing may come. */
const walk = (choices: readonly number[]): readonly RunState[] => {
  const path: RunState[] = ['planned']
  for (const choice of choices) {
    const next = TRANSITIONS[path.at(-1) as RunState]
    if (next.length === 0) break
    path.push(next[choice % next.length] as RunState)
  }
  return path
}
const anyWalk = fc.array(fc.nat(), { maxLength: 60 }).map(walk)

describe('the transitions', () => {
  test('are told in full', () => {
    expect(TRANSITIONS).toEqual({
      planned: ['expanding', 'backfilling', 'verifying', 'rolling_out', 'rolling_back'],
      expanding: ['backfilling', 'verifying', 'rolling_out', 'completed', 'rolling_back'],
      backfilling: ['verifying', 'rolling_out', 'completed', 'rolling_back'],
      verifying: ['rolling_out', 'completed', 'backfilling', 'rolling_back'],
      rolling_out: ['retiring', 'purging', 'completed', 'backfilling', 'rolling_back'],
      retiring: ['purging', 'rolling_out', 'rolling_back'],
      purging: ['completed'],
      completed: [],
      rolling_back: ['rolled_back'],
      rolled_back: [],
    })
  })

  test('lead to every state from the start, and to an end from every state', () => {
    expect([...reachable('planned'), 'planned'].sort()).toEqual([...STATES].sort())
    for (const state of STATES.filter((one) => !TERMINAL.includes(one))) {
      expect(
        TERMINAL.some((end) => reachable(state).has(end)),
        state,
      ).toBe(true)
    }
  })

  test('lead back from everywhere before the purge', () => {
    for (const state of STATES) {
      const canReturn = reachable(state).has('rolled_back')
      expect([state, canReturn]).toEqual([state, !['purging', 'completed', 'rolled_back'].includes(state)])
    }
  })

  test('lead nowhere from an end', () => {
    for (const end of TERMINAL) expect([...reachable(end)]).toEqual([])
    expect(STATES.filter((state) => TRANSITIONS[state].length === 0)).toEqual(TERMINAL)
  })

  test('lead only to the end once the purge has begun', () => {
    expect([...reachable('purging')]).toEqual(['completed'])
  })

  test('lead to the purge only from behind the time in which instances are replaced', () => {
    expect(STATES.filter((state) => TRANSITIONS[state].includes('purging'))).toEqual([
      'rolling_out',
      'retiring',
    ])
  })

  test('hide the column only from behind the gate', () => {
    expect(STATES.filter((state) => TRANSITIONS[state].includes('retiring'))).toEqual(['rolling_out'])
  })

  test('never leave an end, whatever steps are taken', () => {
    fc.assert(
      fc.property(anyWalk, (path) => {
        const end = path.findIndex((state) => TERMINAL.includes(state))
        if (end >= 0) expect(path.slice(end)).toHaveLength(1)
      }),
    )
  })

  test('never lead back once the purge has begun, whatever steps are taken', () => {
    fc.assert(
      fc.property(anyWalk, (path) => {
        const purge = path.indexOf('purging')
        if (purge >= 0) expect(['', 'completed']).toContain(path.slice(purge + 1).join())
      }),
    )
  })

  test('name states once, and never the state itself', () => {
    for (const [from, to] of Object.entries(TRANSITIONS)) {
      expect(new Set(to).size).toBe(to.length)
      expect(to).not.toContain(from)
    }
  })
})

describe('a run may be written down', () => {
  test.each(STATES)('as %s again and again', (state) => {
    expect(mayEnter(state, state)).toBe(true)
  })

  test.each(STATES)('from %s only as what the table says', (from) => {
    for (const to of STATES)
      expect([to, mayEnter(from, to)]).toEqual([to, from === to || TRANSITIONS[from].includes(to)])
  })

  test.each<[RunState, RunState, boolean]>([
    ['planned', 'retiring', false],
    ['planned', 'completed', false],
    ['expanding', 'retiring', false],
    ['backfilling', 'expanding', false],
    ['verifying', 'backfilling', true],
    ['retiring', 'rolling_out', true],
    ['retiring', 'completed', false],
    ['purging', 'rolling_back', false],
    ['purging', 'retiring', false],
    ['completed', 'rolling_back', false],
    ['rolled_back', 'planned', false],
    ['rolling_back', 'completed', false],
  ])('from %s to %s: %s', (from, to, expected) => {
    expect(mayEnter(from, to)).toBe(expected)
  })
})

describe('each phase', () => {
  test('has a state of its own', () => {
    expect(PHASES.map((phase) => STATE_OF_PHASE[phase])).toEqual([
      'expanding',
      'backfilling',
      'verifying',
      'rolling_out',
      'retiring',
      'purging',
    ])
  })

  test('can come after the one before it, and never before it', () => {
    const states = PHASES.map((phase) => STATE_OF_PHASE[phase])
    for (const [at, state] of states.slice(1).entries()) {
      expect(mayEnter(states[at] as RunState, state)).toBe(true)
    }
  })
})
