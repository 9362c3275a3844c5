import { type Carried, carried } from '../../plan/carry.ts'
import { dualWrite, type Pair } from '../../plan/dual-write.ts'
import { follow } from '../../plan/follow-body.ts'
import type { Mapping } from '../../plan/mapping.ts'
import { type Names, namesFor } from '../../plan/names.ts'
import { type Counting, countingFor } from '../../plan/old-writes.ts'
import {
  columnIsAsPlanned,
  constraintValidated,
  dualWriteIsLast,
  dualWriteStands,
  hasNoChildren,
} from '../../plan/probes.ts'
import { companionsOf, type Leaving } from '../../plan/retire.ts'
import { type Chore, type Duty, type Installed, triggerFor } from '../../plan/row-trigger.ts'
import type { Requirement } from '../../plan/step.ts'
import type { TypeFacts } from '../../schema/facts.ts'
import type { Column, QualifiedName, Table } from '../../schema/model.ts'
import { type Sql, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'

/** A column that is copied to another one of its table, which takes its place. */
export interface Copy {
  readonly table: Table
  readonly fromColumn: Column
  /** The new column as it is before anything is carried to it; absent names are given by the plan. */
  readonly toColumn: Column
  /** Was the new column there before? */
  readonly adopted: boolean
  readonly mapping: Mapping
  /** Must the new column be NOT NULL in the end? */
  readonly notNull: boolean
  /** Do the values of the old column change on their way, and with them its default? */
  readonly changesValues: boolean
  /** How a value goes once the old column is hidden, where the types change their names with the columns. */
  readonly mappingHidden?: Mapping
  /** Why the table may be written anew. */
  readonly unsafe?: string
  /** The trigger needs rights that a writer may lack. */
  readonly asOwner?: true
  readonly context: Pick<Context, 'seed' | 'shared'>
}

/** Everything that the steps of one copy have in common. */
export interface Work extends Omit<Copy, 'context'> {
  readonly from: string
  /** What the new column is called while both are there, and in the end. */
  readonly to: string
  readonly finalName: string
  /** The default of the old column, as the new one has it. */
  readonly defaultValue: Sql | undefined
  readonly names: Names
  readonly leaving: Leaving
  readonly things: Carried
  readonly duty: Duty
  /** The dual write while the old column is visible, and while it is hidden. */
  readonly installed: Installed
  readonly hidden: Installed
  /** Absent where nobody can tell who writes the old shape: it has the name of the new one. */
  readonly counting?: Counting
}

/** A copy to a column of another name: instances use both until the old one is hidden. */
export function workUnderTwoNames(copy: Copy): Work & { readonly counting: Counting } {
  const { to, names, pair, work } = begun(copy, copy.toColumn.name)
  return {
    ...work,
    ...inStep(work, copy.context, {
      visible: dualWrite(pair),
      hidden: dualWrite({ ...pair, from: names.hidden }),
    }),
    to,
    finalName: to,
    leaving: { ...work.leaving, counter: names.counter },
    counting: countingFor(pair, names.counter, names.trigger),
  }
}

/** A copy that takes over the name of the old column: nobody uses it before, and nobody uses the old one afterwards. */
export function workUnderOneName(copy: Copy): Work {
  const { fromColumn, toColumn } = copy
  const { names, pair, work } = begun(copy, fromColumn.name)
  return {
    ...work,
    ...inStep(work, copy.context, {
      visible: follow({ ...pair, to: names.twin }, 'new'),
      hidden: follow(
        { ...pair, from: names.hidden, to: fromColumn.name, mapping: copy.mappingHidden ?? copy.mapping },
        'old',
      ),
    }),
    to: names.twin,
    toColumn: { ...toColumn, name: names.twin },
    finalName: fromColumn.name,
  }
}

/** What keeps both columns in step. */
function inStep(
  { table, names, mapping, asOwner }: Pick<Work, 'table' | 'names' | 'mapping' | 'asOwner'>,
  { shared }: Copy['context'],
  chores: { readonly visible: Chore; readonly hidden: Chore },
): Pick<Work, 'duty' | 'installed' | 'hidden'> {
  const { trigger, function: called } = names
  // Without a way back nothing is taken to the hidden column.
  const until = mapping.down === undefined ? 'retire' : 'purge'
  const rights = asOwner === undefined ? {} : { asOwner }
  const duty: Duty = { table, trigger, function: called, until, ...rights, ...chores }
  const { visible, hidden } = triggerFor(duty, shared)
  return { duty, installed: visible, hidden }
}

function begun({ context: { seed }, ...copy }: Copy, finalName: string) {
  const { table, fromColumn, toColumn, mapping, changesValues } = copy
  const from = fromColumn.name
  const names = namesFor(
    seed,
    from,
    table.triggers.map((trigger) => trigger.name),
  )
  const pair: Pair = { table, from, to: toColumn.name, mapping, fromColumn }
  return {
    to: toColumn.name,
    names,
    pair,
    work: {
      ...copy,
      from,
      names,
      defaultValue: carriedDefault(fromColumn, mapping, changesValues),
      leaving: {
        table,
        column: from,
        hidden: names.hidden,
        known: [...companionsOf(table, from), names.proof],
      },
      things: carried(table, { from, to: finalName }, names),
    },
  }
}

/** What the default gives goes the same way as every value. */
export function carriedDefault(from: Column, { up }: Mapping, changesValues: boolean): Sql | undefined {
  if (from.default === null) return undefined
  const text = trusted(from.default)
  return changesValues ? up(sql`(${text})::${trusted(from.type)}`) : text
}

/** The new column right after ADD COLUMN: of the old one it has what makes its type. */
export function twinColumn(from: Column, type: TypeFacts, as: Pick<Column, 'name' | 'collation'>): Column {
  return {
    ...from,
    ...type,
    ...as,
    nullable: true,
    default: null,
    defaultVolatility: null,
    defaultText: null,
    comment: null,
    statisticsTarget: -1,
    options: [],
    storage: type.typeStorage,
    compression: null,
    grants: [],
    sequences: [],
  }
}

/** A collation is a matter of text: it goes along from one text type to another. */
export function keptCollation(from: Column, to: Pick<Column, 'collatable'>): Column['collation'] {
  return to.collatable ? from.collation : null
}

/** The attributes of the old column that the new one can have: storage and compression are a matter of the type. */
export function carriedAttributes(from: Column, to: Column): Column {
  const isSameType = from.baseType === to.baseType
  return {
    ...from,
    storage: isSameType ? from.storage : to.storage,
    compression: isSameType ? from.compression : to.compression,
  }
}

/** The constraints that keep the verdict of the verification true. */
export function proofNames({ notNull, names, things }: Work): readonly string[] {
  const checks = things.checks.filter((copy) => copy.original.validated).map((copy) => copy.copyName)
  return [names.proof, ...(notNull ? [names.notNullProof] : []), ...checks]
}

/** A trigger that somebody made since could change the row behind the dual write. */
export function lastRequirement(installed: Installed): Requirement {
  return {
    that: dualWriteIsLast(installed),
    code: 'drift_found',
    otherwise: `a trigger on "${installed.table.name}" fires behind "${installed.trigger}"; give it a name that sorts before`,
  }
}

export function standsRequirement(installed: Installed): Requirement {
  return {
    that: dualWriteStands(installed),
    code: 'drift_found',
    otherwise: `the trigger "${installed.trigger}" on "${installed.table.name}" is missing, disabled or not as it was installed`,
  }
}

/** What has been changed on the old column since the plan was made would not be on the new one. */
export function asPlannedRequirements({ from, table, fromColumn }: Work): readonly Requirement[] {
  return [
    {
      that: columnIsAsPlanned(table, fromColumn),
      code: 'drift_found',
      otherwise: `NOT NULL, the default or a grant of "${table.name}"."${from}" was changed since the plan was made; change it back, or roll back and begin anew`,
    },
    {
      that: hasNoChildren(table),
      code: 'drift_found',
      otherwise: `"${table.name}" has got an inheritance child since the plan was made, whose rows nobody keeps in step`,
    },
  ]
}

export function validatedRequirement(table: QualifiedName, constraint: string): Requirement {
  return {
    that: constraintValidated(table, constraint),
    code: 'drift_found',
    otherwise: `the constraint "${constraint}" on "${table.name}" is missing or not validated`,
  }
}
