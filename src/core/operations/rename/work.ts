import { assert } from '../../errors.ts'
import { mappingFor } from '../../plan/mapping.ts'
import { theTable } from '../../plan/table-checks.ts'
import { findColumn, findTable } from '../../schema/model.ts'
import { keptCollation, twinColumn, workUnderTwoNames } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import type { RenameColumn } from './rename.ts'

/** Everything that the steps of one rename have in common. */
export function workFor(op: RenameColumn, context: Context) {
  const { schema, facts } = context
  const table = findTable(schema, theTable(op))
  const fromColumn = table === undefined ? undefined : findColumn(table, op.from)
  assert(table !== undefined && fromColumn !== undefined, 'steps come after check')
  const adopted = findColumn(table, op.to)
  const type = op.type === undefined ? fromColumn : facts.types[op.type]
  assert(type !== undefined || adopted !== undefined, 'steps come after check')
  const toColumn =
    adopted ??
    twinColumn(fromColumn, type ?? fromColumn, {
      name: op.to,
      collation: keptCollation(fromColumn, type ?? fromColumn),
    })
  const transform = op.transform ?? 'copy'
  const mapping = mappingFor(fromColumn, toColumn, transform, facts)
  assert(!('problem' in mapping), 'steps come after check')
  return workUnderTwoNames({
    table,
    fromColumn,
    toColumn,
    adopted: adopted !== undefined,
    mapping,
    notNull: !fromColumn.nullable,
    changesValues: transform !== 'copy',
    context,
  })
}
