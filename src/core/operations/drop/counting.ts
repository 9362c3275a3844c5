import { assert } from '../../errors.ts'
import { namesFor } from '../../plan/names.ts'
import {
  type Counting,
  counterAbsent,
  counterStands,
  installCounterSql,
  leavingCountingFor,
  uninstallCounterSql,
} from '../../plan/old-writes.ts'
import type { Leaving } from '../../plan/retire.ts'
import type { StepDraft } from '../../plan/step.ts'
import { theTable } from '../../plan/table-checks.ts'
import { findColumn, findTable } from '../../schema/model.ts'
import type { Context } from '../operation.ts'
import type { DropColumn } from './drop.ts'

/** How writes of a column that goes are counted. One that is computed nobody writes. */
export function countingOf(op: DropColumn, { schema, seed }: Context): Counting | undefined {
  const table = findTable(schema, theTable(op))
  const fromColumn = table === undefined ? undefined : findColumn(table, op.column)
  assert(table !== undefined && fromColumn !== undefined, 'steps come after check')
  if (fromColumn.generated !== 'no') return undefined
  const names = namesFor(
    seed,
    op.column,
    table.triggers.map((trigger) => trigger.name),
  )
  const isPartitioned = table.kind === 'partitioned'
  return leavingCountingFor({ table: theTable(op), fromColumn, isPartitioned }, names.counter, names.trigger)
}

/** How the gate of the column is told of it. */
export function countedBy({ counter, onInsert }: Counting): Pick<Leaving, 'counter' | 'counts'> {
  return onInsert === undefined ? { counter, counts: 'changes' } : { counter }
}

export function countSteps(op: DropColumn, counting: Counting | undefined): readonly StepDraft[] {
  if (counting === undefined) return []
  return [
    {
      kind: 'install_dual_write',
      shares: { table: theTable(op), at: 'count' },
      phase: 'expand',
      does: `count who still writes "${op.column}" of "${op.table}"`,
      hazards: [],
      probe: counterStands(counting),
      locks: [{ relation: theTable(op), level: 'share_row_exclusive' }],
      requires: [],
      statements: installCounterSql(counting),
      cost: 'instant',
    },
  ]
}

export function stopCountingSteps(op: DropColumn, counting: Counting | undefined): readonly StepDraft[] {
  if (counting === undefined) return []
  return [
    {
      kind: 'ddl',
      shares: { table: theTable(op), at: 'take back' },
      phase: 'expand',
      does: `no longer count who writes "${op.column}" of "${op.table}"`,
      hazards: [],
      probe: counterAbsent(counting),
      locks: [{ relation: theTable(op), level: 'access_exclusive' }],
      requires: [],
      statements: uninstallCounterSql(counting),
      cost: 'instant',
    },
  ]
}
