import { BellowsError } from '../../errors.ts'
import { allBehindGate } from '../../plan/behind-gate.ts'
import type { Hazard } from '../../plan/hazard.ts'
import type { SoundIndex } from '../../plan/index-checks.ts'
import { duplicatesSteps, tellingDuplicates } from '../../plan/index-steps.ts'
import { keepsNoMoreApart } from '../../plan/kept-apart.ts'
import type { StepDraft } from '../../plan/step.ts'
import type { Index } from '../../schema/indexes.ts'
import { findTable, type Schema } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { leavingFreedom } from './leaving.ts'
import { oldWritersHazard } from './put-up.ts'
import { type RuleTime, timeOf } from './rule.ts'

/** An index on its way to its table. */
export interface NewIndex {
  readonly index: SoundIndex
  readonly name: string
  /** The one whose place it takes. */
  readonly old?: Index | undefined
  readonly when?: RuleTime | undefined
  /** The schema in front of the migration. */
  readonly given: Schema
}

export function whenProblems({ tried }: SoundIndex, when: RuleTime | undefined): readonly BellowsError[] {
  if (when === undefined || tried.index.unique) return []
  return [
    new BellowsError('migration_invalid', 'An index that is not unique refuses nothing, and has no "when".', {
      hint: 'Take it out.',
    }),
  ]
}

/**
 * A unique index refuses what an old instance may send, as a unique constraint does. Nothing is refused that was taken before where
 * the old index was as unique, and of a table that the migration makes nobody knows yet.
 */
export function indexTime({ index, old, when, given }: NewIndex): RuleTime | 'at_once' {
  const { table, tried } = index
  if (!tried.index.unique) return 'at_once'
  if (when !== undefined) return when
  const isAsUnique = old?.unique === true && old.valid && keepsNoMoreApart(asTried(index), old, table)
  return isAsUnique || findTable(given, table) === undefined ? 'at_once' : timeOf({})
}

function asTried({ tried }: SoundIndex): Pick<Index, 'definition'> {
  return { definition: `CREATE UNIQUE INDEX i ON t ${tried.using.replace(/^UNIQUE /, '')}` }
}

export function isAwaited(work: NewIndex): boolean {
  return indexTime(work) === 'after_rollout'
}

/** Who fails from the build on. */
export function duplicateHazards(work: NewIndex): readonly Hazard[] {
  const time = indexTime(work)
  if (time === 'at_once') return []
  const index = `the unique index ${shown(work.name)}`
  return [oldWritersHazard(`makes a duplicate by ${index}`, time), ...lateHazards(work, index)]
}

/** A new instance may count on it from its first request on. */
function lateHazards(work: NewIndex, index: string): readonly Hazard[] {
  if (!isAwaited(work) || work.old !== undefined) return []
  return [
    {
      code: 'may_break',
      because: `ON CONFLICT that needs ${index} fails until the contract. If no old instance can make a duplicate, such as in a column that it does not know: when: before_rollout.`,
    },
  ]
}

/** Looks for duplicates as the migration begins, and builds at once what does not wait for the contract. */
export function indexInExpand(work: NewIndex, building: readonly StepDraft[]): readonly StepDraft[] {
  return [...duplicatesSteps(work.index, work.name), ...(isAwaited(work) ? [] : telling(work, building))]
}

/** The rest: looked for once more, and behind a gate that no old instance is left to pass. */
export function indexInContract(work: NewIndex, building: readonly StepDraft[]): readonly StepDraft[] {
  if (!isAwaited(work)) return []
  const leaver = leavingFreedom(work.index.table, `the unique index ${shown(work.name)}`)
  const late = inRetire([...duplicatesSteps(work.index, work.name), ...telling(work, building)])
  const looks = late.filter(({ kind }) => kind === 'inspect')
  return [...looks, ...allBehindGate(leaver, late.slice(looks.length))]
}

function telling({ index, name }: NewIndex, building: readonly StepDraft[]): readonly StepDraft[] {
  return tellingDuplicates(index, name, building)
}

export function indexTakenBack(work: NewIndex, steps: readonly StepDraft[]): readonly StepDraft[] {
  return isAwaited(work) ? inRetire(steps) : steps
}

function inRetire(steps: readonly StepDraft[]): readonly StepDraft[] {
  return steps.map((step) => ({ ...step, phase: 'retire' }))
}
