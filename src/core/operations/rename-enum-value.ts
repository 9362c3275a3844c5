import { BellowsError } from '../errors.ts'
import { hasLabel } from '../objects/enum-catalog.ts'
import type { StepDraft } from '../plan/step.ts'
import { type Column, type Table, withTable } from '../schema/model.ts'
import { lit, qualified, sql } from '../sql.ts'
import {
  enumNeeds,
  enumProblems,
  missingValue,
  type OfType,
  shownType,
  takenValue,
  theType,
} from './enum/enum.ts'
import type { OperationSpec } from './operation.ts'

/** Gives a value of an enum another name, at once for all instances. */
export interface RenameEnumValue extends OfType {
  readonly kind: 'rename_enum_value'
  readonly from: string
  readonly to: string
  /** Why no instance writes or compares with either name while it changes. Kept in the run. */
  readonly unsafe?: string
}

export const renameEnumValue: OperationSpec<RenameEnumValue> = {
  needs: (op) =>
    enumNeeds(op, [
      { value: op.from, how: 'replaces' },
      { value: op.to, how: 'adds' },
    ]),

  check: (op, { facts }) => {
    const problems = [
      ...enumProblems(op, op.to, facts),
      ...takenValue(op, op.to, facts),
      ...missingValue(op, op.from, facts),
    ]
    if (problems.length > 0) return problems
    if (op.unsafe !== undefined) return []
    return [
      new BellowsError(
        'plan_refused',
        `From the moment on that '${op.from}' is '${op.to}', whoever writes '${op.from}' fails; before, whoever writes '${op.to}' does.`,
        {
          hint: `Without a failure it takes two migrations: add_enum_value { value: ${lit(op.to)}, after: ${lit(op.from)} }, and when the application reads both and writes '${op.to}', remove_enum_value { value: ${lit(op.from)}, becomes: ${lit(op.to)} }. If no instance says either name, say why: unsafe: "<reason>".`,
        },
      ),
    ]
  },

  apply: (op, schema) =>
    schema.tables
      .filter(({ columns }) => columns.some((column) => isDefault(op, column)))
      .reduce((before, table) => withTable(before, withName(op, table)), schema),

  expand: (op) => [
    {
      ...renaming(op, op.from, op.to),
      does: `rename the value '${op.from}' of "${op.type}" to '${op.to}'`,
      hazards: [
        {
          code: 'unsafe',
          because: `An instance that says '${op.from}' fails from here on. The reason given: ${op.unsafe}`,
        },
      ],
      makes: madeName(op),
    },
  ],

  backfill: () => [],

  contract: () => [],

  rollback: (op) => [
    {
      ...renaming(op, op.to, op.from),
      does: `rename the value '${op.to}' of "${op.type}" back to '${op.from}'`,
      hazards: [{ code: 'may_break', because: `An instance that says '${op.to}' fails from here on.` }],
      unmakes: madeName(op),
    },
  ],
}

function isDefault(op: RenameEnumValue, { baseType, defaultText }: Column): boolean {
  return defaultText === op.from && baseType === shownType(op)
}

/** A default is its value, whatever that is called. */
function withName(op: RenameEnumValue, table: Table): Table {
  const columns = table.columns.map((column) =>
    isDefault(op, column)
      ? { ...column, default: `${lit(op.to)}::${column.type}`, defaultText: op.to }
      : column,
  )
  return { ...table, columns }
}

function renaming(op: RenameEnumValue, from: string, to: string) {
  return {
    kind: 'ddl',
    phase: 'expand',
    probe: sql`(${hasLabel(theType(op), to)} and not ${hasLabel(theType(op), from)})`,
    locks: [],
    requires: [],
    statements: [sql`alter type ${qualified(theType(op))} rename value ${lit(from)} to ${lit(to)}`],
    cost: 'instant',
  } as const satisfies Partial<StepDraft>
}

function madeName(op: RenameEnumValue): string {
  return `the value '${op.to}' of ${qualified(theType(op))}`
}
