import { attributesSql } from '../plan/attributes.ts'
import { setColumnState } from '../plan/column-state.ts'
import { installSql, unfilled } from '../plan/dual-write.ts'
import { installCounterSql } from '../plan/old-writes.ts'
import { all, columnExists, dualWriteStands } from '../plan/probes.ts'
import { gateStep } from '../plan/retire.ts'
import type { LockLevel } from '../plan/step.ts'
import { theTable } from '../plan/table-checks.ts'
import { primaryKey } from '../schema/model.ts'
import { id, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { OperationSpec } from './operation.ts'
import { renameHazards, renameProblems } from './rename/checks.ts'
import { hideStep, purgeStep, returnStep, takeBackStep } from './rename/leave-steps.ts'
import type { RenameColumn } from './rename/rename.ts'
import { renamedSchema } from './rename/renamed-schema.ts'
import { verifySteps } from './rename/verify-steps.ts'
import { carriedAttributes, onTable, type Work, workFor } from './rename/work.ts'

export const renameColumn: OperationSpec<RenameColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.from] }],
    types: op.type === undefined ? [] : [op.type],
    touches: [...new Set([op.from, op.to])].map((column) => ({
      table: theTable(op),
      column,
      how: 'replaces',
    })),
  }),

  check: renameProblems,

  apply: renamedSchema,

  expand: (op, context) => {
    const work = workFor(op, context)
    return [
      {
        ...onTable(work.table),
        locks: [{ relation: work.table, level: expandLock(work) }],
        kind: 'install_dual_write',
        phase: 'expand',
        does: `${work.adopted ? 'keep' : `add the column "${op.to}" and keep`} "${op.from}" and "${op.to}" of "${op.table}" in step`,
        hazards: renameHazards(op, context),
        probe: all([columnExists(work.table, op.to), dualWriteStands(work.installed)]),
        ...(work.adopted ? {} : { changes: { kind: 'added', column: op.to } as const }),
        statements: [
          ...(work.adopted ? [] : [addTwinSql(work)]),
          ...installSql(work.installed),
          ...installCounterSql(work.counting),
          ...attributesSql(
            work.table,
            op.to,
            work.toColumn,
            carriedAttributes(work.fromColumn, work.toColumn),
          ),
          setColumnState(work.table, op.to, work.mapping.down === undefined ? 'closed' : 'not_ready'),
        ],
      },
    ]
  },

  backfill: (op, context) => {
    const { table, mapping } = workFor(op, context)
    return [
      {
        kind: 'backfill',
        phase: 'backfill',
        does: `fill "${op.to}" from "${op.from}" where "${op.table}" still lacks it`,
        hazards: [],
        changes: { kind: 'copied', from: op.from, to: op.to },
        table,
        set: sql`${id(op.to)} = ${mapping.up(id(op.from))}`,
        unfilled: unfilled(mapping, id(op.from), id(op.to)),
        key: primaryKey(table),
      },
    ]
  },

  contract: (op, context) => {
    const work = workFor(op, context)
    return [...verifySteps(work), gateStep(work.leaving), hideStep(work), purgeStep(work)]
  },

  rollback: (op, context) => {
    const work = workFor(op, context)
    return work.mapping.down === undefined ? [takeBackStep(work)] : [returnStep(work), takeBackStep(work)]
  },
}

/** A column that is there already needs no more than the trigger, unless the way it is stored changes, too. */
function expandLock({ adopted, fromColumn, toColumn }: Work): LockLevel {
  const { storage, compression } = carriedAttributes(fromColumn, toColumn)
  const isStoredAsWanted = storage === toColumn.storage && compression === toColumn.compression
  return adopted && isStoredAsWanted ? 'share_row_exclusive' : 'access_exclusive'
}

function addTwinSql({ op, table, toColumn }: Work): Sql {
  const collation = toColumn.collation === null ? sql`` : sql` collate ${qualified(toColumn.collation)}`
  return sql`alter table ${qualified(table)} add column ${id(op.to)} ${trusted(toColumn.type)}${collation}`
}
