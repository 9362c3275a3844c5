import type { BellowsError } from '../errors.ts'
import { changeOf } from '../operations/change-type/change.ts'
import { constraintsOf } from '../operations/column-rules.ts'
import { specOf } from '../operations/index.ts'
import { isKey } from '../operations/keys/primary-key.ts'
import type { Operation } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { nameTaken } from '../operations/rules/name.ts'
import {
  constraintNames,
  findColumn,
  findTable,
  isSameName,
  type QualifiedName,
  type Schema,
} from '../schema/model.ts'
import { PHASES, type StepDraft } from './step.ts'
import { refused, theTable } from './table-checks.ts'

/** A new column that a migration makes by a copy. */
export interface Copied {
  readonly table: QualifiedName
  readonly column: string
  /**
   * From which phase on operations can work on it by its name: filled beside the old one from the verification on; where both
   * have one name, behind the swap; where nothing is copied, from the begin.
   */
  readonly since: Since
  /** Do rows go by it, so that more than this one column changes? */
  readonly isKey: boolean
}

export type Since = 'expand' | 'verify' | 'retire' | 'purge'

/** What an operation copies. The schema is the one before it. */
export function copiedBy(
  op: Operation,
  { schema, facts }: Pick<Context, 'schema' | 'facts'>,
): readonly Copied[] {
  if (op.kind === 'rename_column')
    return [{ table: theTable(op), column: op.to, since: 'verify', isKey: false }]
  const table = op.kind === 'change_type' ? findTable(schema, theTable(op)) : undefined
  const from = table === undefined || op.kind !== 'change_type' ? undefined : findColumn(table, op.column)
  if (op.kind !== 'change_type' || table === undefined || from === undefined) return []
  const change = changeOf(op, table, from, facts)
  const since = 'problem' in change || change.by !== 'copy' ? 'expand' : 'retire'
  return [{ table: theTable(op), column: op.column, since, isKey: isKey(schema, table, from) }]
}

/** Of the columns that are copied in front of an operation those that it works on. */
export function copiedFor(op: Operation, copied: readonly Copied[]): readonly Copied[] {
  if (copied.length === 0) return []
  const { touches } = specOf(op).needs(op)
  return copied.filter((one) =>
    touches.some(
      (touch) => !('object' in touch) && touch.column === one.column && isSameName(touch.table, one.table),
    ),
  )
}

/**
 * When an operation may begin that works on them: as soon as the last of them can be worked on. The default of a column that has
 * another name comes with the purge, when that column alone is there.
 */
export function beginOf(op: Operation, copied: readonly Copied[]): Since {
  const isDefault = op.kind === 'alter_column' && op.default !== undefined
  if (isDefault && copied.some(({ since }) => since === 'verify')) return 'purge'
  const places = copied.map(({ since }) => PHASES.indexOf(since))
  return (PHASES[Math.max(0, ...places)] ?? 'expand') as Since
}

/** What is given, without columns that are other ones by then: nobody knows how the server prints what is on those. */
export function withoutCopied(given: Schema, copied: readonly Copied[]): Schema {
  if (copied.length === 0) return given
  const isGone = (table: QualifiedName, name: string) =>
    copied.some((one) => one.column === name && isSameName(one.table, table))
  return {
    tables: given.tables.map((table) => ({
      ...table,
      columns: table.columns.filter(({ name }) => !isGone(table, name)),
    })),
  }
}

/** What cannot be done on a column that the migration copies. */
export function lateProblems(
  op: Operation,
  copied: readonly Copied[],
  { schema, given }: Pick<Context, 'schema' | 'given'>,
): readonly BellowsError[] {
  const [first] = copied
  if (first === undefined) return []
  const begin = beginOf(op, copied)
  const rules = op.kind === 'add_constraint' ? [op] : op.kind === 'alter_column' ? constraintsOf(op) : []
  const isRule =
    op.kind === 'create_index' || rules.length > 0 || (op.kind === 'alter_column' && op.nullable === false)
  const isEarly = isRule && 'when' in op && op.when === 'before_rollout'
  const of = `"${first.table.name}"."${first.column}"`
  return [
    ...(begin === 'retire' && copied.some((one) => one.isKey)
      ? [
          refused(
            `${of} changes its type together with all that goes by it, and another operation of the migration works on it.`,
            'Put them into two migrations; the second begins when the first is contracted.',
          ),
        ]
      : []),
    ...(begin === 'retire' && isEarly
      ? [
          refused(
            `The new ${of} has its name from the contract on, so no rule of it can come up before the rollout.`,
            'Leave "when" away, or put the rule into the next migration.',
          ),
        ]
      : []),
    ...rules.flatMap(({ name, ...rule }) => takenUntilPurge(name, theTable(rule), { schema, given })),
  ]
}

/** What goes with an old column has its name until the purge, also where the twin has another one then. */
function takenUntilPurge(
  name: string | undefined,
  of: QualifiedName,
  { schema, given }: Pick<Context, 'schema' | 'given'>,
): readonly BellowsError[] {
  const [now, before] = [schema, given].map((one) => findTable(one, of))
  if (name === undefined || now === undefined || before === undefined) return []
  const isTaken = constraintNames(before).includes(name) && !constraintNames(now).includes(name)
  return isTaken ? [nameTaken(name, of)] : []
}

/** Steps that begin when the column can be worked on, and are taken back before it is another one again. */
export function begunLate<D extends Drafted>(drafts: D, begin: Since): D & { readonly begin: Since } {
  // A gate stands before the contract, whatever it guards.
  const isBefore = ({ kind, phase }: StepDraft) =>
    kind !== 'gate' && PHASES.indexOf(phase) < PHASES.indexOf(begin)
  const isLook = ({ kind }: StepDraft) => kind === 'inspect'
  const looksThen = drafts.forward.some((draft) => isLook(draft) && draft.phase === begin)
  return {
    ...drafts,
    begin,
    forward: drafts.forward
      .filter((draft) => !(looksThen && isLook(draft) && isBefore(draft)))
      .map((draft) => (isBefore(draft) ? { ...draft, ...withoutOld(draft, begin), phase: begin } : draft)),
    back: backOf(drafts, begin),
  }
}

/** Behind the gate there is no old version that shares anything. */
function withoutOld({ hazards }: StepDraft, begin: Since): Pick<StepDraft, 'hazards'> {
  if (begin !== 'retire' && begin !== 'purge') return { hazards }
  return { hazards: hazards.filter(({ code }) => code !== 'same_default') }
}

/** From the purge nobody goes back. */
function backOf({ back }: Drafted, begin: Since): readonly StepDraft[] {
  if (begin === 'purge') return []
  return begin === 'retire' ? back.map((draft) => ({ ...draft, phase: 'retire' })) : back
}

interface Drafted {
  readonly forward: readonly StepDraft[]
  readonly back: readonly StepDraft[]
}
