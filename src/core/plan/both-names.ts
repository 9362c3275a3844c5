import type { BellowsError } from '../errors.ts'
import type { Operation } from '../operations/migration.ts'
import { newName, type RenameTable } from '../operations/rename-table/renaming.ts'
import { viewMayGo } from '../operations/rename-table/swap-steps.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import type { Copied } from './late.ts'
import { called, type Leaver } from './leaver.ts'
import { type Drafts, isOneWay } from './one-way.ts'
import { leaversOf, PHASES, type Phase, type StepDraft } from './step.ts'
import { refused, theTable } from './table-checks.ts'
import type { Shows, Thing } from './thing.ts'

type Drafted = Pick<Drafts, 'forward' | 'back'>

/** The phases in which steps work on a table. */
export function phasesOn(table: QualifiedName, planned: readonly Drafted[]): readonly Phase[] {
  const found = planned
    .flatMap(({ forward }) => forward)
    .filter((draft) => tablesOfDraft(draft).some((one) => isSameName(one, table)))
    .map(({ phase }) => phase)
  return PHASES.filter((phase) => found.includes(phase))
}

function tablesOfDraft(draft: StepDraft): readonly QualifiedName[] {
  return [
    ...('table' in draft ? [draft.table] : []),
    ...('locks' in draft ? draft.locks.map(({ relation }) => relation) : []),
  ]
}

/** What is done in front of another name of the table, and cannot be seen through the view that has it. */
export function besideProblems(
  op: Operation,
  copied: readonly Copied[],
  planned: readonly Drafts[],
): readonly BellowsError[] {
  if (op.kind !== 'rename_table') return []
  const isHere = (table: QualifiedName) => isSameName(table, theTable(op))
  const isOn = ({ touches }: Drafts) => touches.some((touch) => !('object' in touch) && isHere(touch.table))
  const swapped = copied.filter(({ table, since }) => since === 'retire' && isHere(table))
  return [
    ...swapped.map(({ column }) =>
      refused(
        `"${op.to}" is a view until the contract, and would keep the old column where "${op.table}"."${column}" gets another type under its name.`,
        APART,
      ),
    ),
    ...(planned.some((drafts) => isOn(drafts) && isOneWay(drafts))
      ? [
          refused(
            `A column of "${op.table}" can be written only behind the contract, and "${op.to}" would offer it before.`,
            APART,
          ),
        ]
      : []),
  ]
}

const APART = 'Put rename_table into the next migration; that begins when this one is contracted.'

/**
 * What waits for everybody on a table that gets another name waits for those as well who use that one already. What drops something
 * of it is behind the point of no return, where the view must be able to go.
 */
export function mindingBothNames<D extends Drafted>(
  operations: readonly Operation[],
  planned: readonly D[],
): readonly D[] {
  const renamings = operations.filter((op) => op.kind === 'rename_table')
  if (renamings.length === 0) return planned
  return planned.map((drafts, at) => ({
    ...drafts,
    forward: drafts.forward
      .flatMap((draft) => gatedTwice(draft, renamings))
      .map((draft) => (operations[at]?.kind === 'rename_table' ? draft : mindingView(draft, renamings))),
  }))
}

function mindingView(draft: StepDraft, renamings: readonly RenameTable[]): StepDraft {
  if (draft.phase !== 'purge' || !('requires' in draft || draft.kind === 'outside')) return draft
  const tables = tablesOfDraft(draft)
  const more = renamings
    .filter((op) => tables.some((one) => isSameName(one, theTable(op))))
    .flatMap(viewMayGo)
  return more.length === 0 ? draft : { ...draft, requires: [...(draft.requires ?? []), ...more] }
}

function byNewName(thing: Thing, op: RenameTable): Thing {
  const { shows } = thing
  const named = (one: Shows): Shows => (one.by === 'conflict' ? { ...one, table: newName(op) } : one)
  return {
    ...thing,
    called: `${thing.called}, by whoever says ${shown(op.to)}`,
    ...(shows === undefined ? {} : { shows: shows.map(named) }),
  }
}

function gatedTwice(draft: StepDraft, renamings: readonly RenameTable[]): readonly StepDraft[] {
  const twins = ({ table, thing }: Leaver): readonly Leaver[] =>
    thing?.reach !== 'table'
      ? []
      : renamings
          .filter((op) => isSameName(theTable(op), table))
          .map((op) => ({ table: newName(op), thing: byNewName(thing, op) }))
  if (draft.kind === 'gate') {
    const more = twins(draft).map((leaver) => ({
      ...draft,
      ...leaver,
      does: `wait until nobody needs ${called(leaver)}`,
    }))
    return [draft, ...more]
  }
  const { retiresAlso = [] } = draft
  const more = leaversOf(draft).flatMap(twins)
  return [more.length === 0 ? draft : { ...draft, retiresAlso: [...retiresAlso, ...more] }]
}
