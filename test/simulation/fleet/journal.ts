import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import type { RequestEntry } from '../../../src/core/rollout/decide.ts'
import type { RolloutEntry, RolloutRequest } from '../../../src/core/rollout/event.ts'
import type { Event, JournalEntry } from '../../../src/core/run/event.ts'
import type { Journal, Rollouts } from '../../../src/engine/ports.ts'
import { facts, schemaOf, table } from '../../support/model.ts'
import { rename } from '../../support/rename.ts'
import type { Timeline } from './timeline.ts'

export const RUN = 1

/** What the planner makes of a rename. */
export const PLAN: Plan = makePlan(
  { name: '0001_rename', operations: [rename()] },
  schemaOf(table()),
  facts(),
)

/** A journal in memory, with one run whose new shape is filled and verified. */
export interface SimulatedJournal {
  readonly journal: Journal
  readonly rollouts: Rollouts
  readonly runEntries: readonly JournalEntry[]
  write(event: Event): number
}

export function simulatedJournal(time: Timeline): SimulatedJournal {
  const runEntries: JournalEntry[] = []
  const rolloutEntries: RolloutEntry[] = []
  const requests: RequestEntry[] = []
  let seq = 0

  const write = (event: Event): number => {
    seq += 1
    // As the real one: of a rollout whoever reads runs is told only how it stands.
    if (event.type !== 'rollout' || SAYS_HOW_IT_STANDS.has(event.event.kind))
      runEntries.push({ seq, run: RUN, at: new Date(time.nowMs()).toISOString(), event })
    if (event.type === 'rollout') rolloutEntries.push({ seq, atMs: time.nowMs(), event: event.event })
    return seq
  }
  for (const phase of ['expand', 'backfill', 'verify'] as const) {
    write({ type: 'phase_entered', phase })
    for (const step of PLAN.steps.filter((one) => one.phase === phase))
      write({ type: 'step_done', step: step.id, how: 'performed' })
  }

  return {
    runEntries,
    write,
    journal: {
      install: async () => undefined,
      isOfThisVersion: async () => true,
      isInstalled: async () => true,
      runs: async () => [{ id: RUN, plan: PLAN }],
      entries: async () => runEntries,
      checkpoint: async () => undefined,
    },
    rollouts: {
      look: async (_run, after) => ({
        nowMs: time.nowMs(),
        entries: behind(rolloutEntries, after.entry),
        requests: behind(requests, after.request),
      }),
      history: async (): Promise<RolloutHistory> =>
        rolloutEntries
          .filter(({ event }) => event.kind === 'rollout_started' || event.kind === 'ended')
          .map((entry) => ({ ...entry, run: RUN })),
      ask: async (_run, request: RolloutRequest) =>
        void requests.push({ seq: requests.length + 1, request, by: 'somebody' }),
    },
  }
}

const SAYS_HOW_IT_STANDS: ReadonlySet<string> = new Set([
  'rollout_started',
  'asked',
  'paused',
  'turned_back',
  'ended',
])

/** The entries are in the order of their positions, and only the last ones are asked for. */
function behind<T extends { readonly seq: number }>(all: readonly T[], seq: number): readonly T[] {
  const first = all.findLastIndex((one) => one.seq <= seq) + 1
  return all.slice(first)
}
