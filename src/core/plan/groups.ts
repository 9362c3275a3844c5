import type { Touch } from '../operations/needs.ts'
import { qualified } from '../sql.ts'
import type { Since } from './late.ts'
import { areOnAdded } from './on-added.ts'
import type { StepDraft } from './step.ts'

/** What an operation of a migration touches, and the steps that come of it. */
export interface Planned {
  readonly touches: readonly Touch[]
  readonly forward: readonly StepDraft[]
  /** Of one that works on a column that the migration copies: from which phase on. */
  readonly begin?: Since
}

/**
 * Which operations are done together: for each the number of the first one of its group. They work on one table, on nothing that
 * the migration itself adds, and nothing else is taken away between them: it may have to go before the one and after the other.
 */
export function groupsOf(planned: readonly Planned[]): readonly number[] {
  const open = new Map<string, number>()
  const onAdded = areOnAdded(planned)
  return planned.map(({ forward, begin }, at) => {
    const { table } = forward.find(({ shares }) => shares !== undefined)?.shares ?? {}
    const key = table === undefined || onAdded[at] === true ? undefined : qualified(table)
    const group = (key === undefined ? undefined : open.get(key)) ?? at
    // What is built on the new column of a copy keeps to that: no other one needs it before, or behind.
    const isOnCopy = begin !== undefined
    if (!isOnCopy && forward.some(({ phase }) => phase === 'retire' || phase === 'purge')) open.clear()
    if (key !== undefined) open.set(key, group)
    return group
  })
}
