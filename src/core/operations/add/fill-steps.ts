import { columnsNamed } from '../../parse.ts'
import { clearColumnState, setColumnState } from '../../plan/column-state.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { userTriggersFire } from '../../plan/hazards.ts'
import { noIdentityOn } from '../../plan/identity.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnAbsent, columnExists, dualWriteAbsent, dualWriteStands } from '../../plan/probes.ts'
import { installSql, uninstallSql } from '../../plan/row-trigger.ts'
import type { StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, qualified, sql, trusted } from '../../sql.ts'
import type { AddColumn } from './add.ts'
import { commentSql, defaultSql, type Work } from './work.ts'

/** The column and what fills it come in one transaction: from then on every row that is written has its value. */
export function fillingStep(work: Work): StepDraft {
  const { op, table, duty, filling, numbers, collate, bound } = work
  return {
    ...onTable(table),
    kind: 'install_dual_write',
    shares: { table, at: 'install', duty },
    phase: 'expand',
    does: `add the column "${op.column}" to "${op.table}", and fill it in every row that is written without it`,
    ...bound,
    hazards: [...hazardsOf(work), ...bound.hazards],
    probe: all([columnExists(table, op.column), dualWriteStands(filling)]),
    changes: { kind: 'added', column: op.column },
    statements: [
      sql`alter table ${qualified(table)} add column ${id(op.column)} ${trusted(op.type)}${collate}`,
      ...(op.up === undefined ? defaultSql(op) : []),
      ...(op.identity === undefined
        ? []
        : [sql`create sequence ${qualified(numbers)} as ${trusted(op.type)}`]),
      ...commentSql(op),
      ...installSql(filling),
      setColumnState(table, op.column, 'not_ready'),
    ],
  }
}

function hazardsOf({ op, table, nullable }: Work): readonly Hazard[] {
  const until = op.up === undefined ? 'all rows are filled' : 'the contract'
  return [
    {
      code: 'explicit_null_read_as_omitted',
      because: `A write that gives NULL for "${op.column}" counts as one that does not give it until ${until}${nullable ? '' : ', and is not refused'}.`,
    },
    ...upHazards(op),
    ...userTriggersFire(table),
  ]
}

/** Old writers know neither the column nor what is computed for it. */
function upHazards({ up, column, table }: AddColumn): readonly Hazard[] {
  const sources = up === undefined ? [] : columnsNamed(up)
  if (up === undefined || sources.length === 0) return []
  const named = sources.map((name) => `"${name}"`).join(' or ')
  return [
    {
      code: 'may_break',
      because: `From this step on a write of "${table}" fails for whose values up (${up}) fails. Rows that are there are tried by the backfill.`,
    },
    {
      code: 'grows_stale',
      because: `A writer that does not know "${column}" and changes ${named} leaves it as it is: up fills it once.`,
    },
  ]
}

/** The value is found by the trigger alone, when the row is written: nothing that was read before can end up in it. */
export function fillStep({ op, table, unfilled, nullable, tries }: Work): StepDraft {
  return {
    kind: 'backfill',
    shares: { table, at: 'fill', columns: [op.column] },
    phase: 'backfill',
    does: `fill "${op.column}" in the rows of "${op.table}" that were there before`,
    hazards: [],
    table,
    set: sql`${id(op.column)} = ${id(op.column)}`,
    unfilled,
    ...(nullable && op.default !== undefined ? { once: true } : {}),
    ...(tries.length === 0 ? {} : { tries }),
    key: primaryKey(table),
  }
}

export function takeBackStep({ op, table, filling, numbers }: Work): StepDraft {
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'take back' },
    phase: 'expand',
    does: `drop the column "${op.column}" of "${op.table}" again`,
    hazards: [
      { code: 'drops_values', because: `The values written to "${op.column}" so far are dropped with it.` },
    ],
    probe: all([columnAbsent(table, op.column), dualWriteAbsent(filling)]),
    requires: [noIdentityOn(table, op.column, op.column)],
    statements: [
      ...uninstallSql(filling),
      sql`alter table ${qualified(table)} drop column if exists ${id(op.column)} restrict`,
      ...(op.identity === undefined ? [] : [sql`drop sequence if exists ${qualified(numbers)}`]),
      clearColumnState(table, op.column),
    ],
    retires: { table, column: op.column },
  }
}
