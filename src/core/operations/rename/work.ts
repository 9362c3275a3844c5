import { assert } from '../../errors.ts'
import { companionsOf } from '../../plan/retire.ts'
import { theTable } from '../../plan/table-checks.ts'
import { findColumn, findTable, isSameName } from '../../schema/model.ts'
import { withoutShared } from '../copy/shared-things.ts'
import { twinColumn, workUnderTwoNames } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import { renamedKey } from './key.ts'
import type { RenameColumn } from './rename.ts'
import { renamingOf } from './renaming.ts'

/** Everything that the steps of one rename have in common. */
export function workFor(op: RenameColumn, context: Context) {
  const { schema, facts } = context
  const table = findTable(schema, theTable(op))
  const fromColumn = table === undefined ? undefined : findColumn(table, op.from)
  assert(table !== undefined && fromColumn !== undefined, 'steps come after check')
  const renaming = renamingOf(op, table, fromColumn, facts)
  assert(!('problem' in renaming), 'steps come after check')
  const { target, mapping, changesValues } = renaming
  const { notNull, collation, ...type } = target
  const adopted = findColumn(table, op.to)
  const work = workUnderTwoNames({
    table,
    fromColumn,
    toColumn: adopted ?? twinColumn(fromColumn, type, { name: op.to, collation }),
    adopted: adopted !== undefined,
    mapping,
    notNull,
    changesValues,
    ...(op.unsafe === undefined ? {} : { unsafe: op.unsafe }),
    context,
  })
  const key = renamedKey(op, context, work)
  const { leaving } = work
  const along = key.links.length === 0 ? {} : { along: key.links.map(({ identity }) => identity) }
  const known = [
    ...leaving.known,
    ...givenCompanions(op, context, leaving.known),
    ...key.links.map((one) => one.key.name),
  ]
  return {
    ...work,
    key,
    things: withoutShared(work.things, table, laterColumns(op, context)),
    leaving: { ...leaving, known, ...along },
  }
}

/** What is on the column until the contract, by the names that it has until then: operations in front of this one may give it others. */
function givenCompanions(op: RenameColumn, { given }: Context, known: readonly string[]): readonly string[] {
  const table = findTable(given, theTable(op))
  return table === undefined ? [] : companionsOf(table, op.from).filter((name) => !known.includes(name))
}

function laterColumns(op: RenameColumn, { renamedBehind = [] }: Context): readonly string[] {
  return renamedBehind.filter(({ table }) => isSameName(table, theTable(op))).map(({ column }) => column)
}
