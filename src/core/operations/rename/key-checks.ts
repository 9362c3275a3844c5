import type { BellowsError } from '../../errors.ts'
import { canonical } from '../../hash.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { refused, tableProblems } from '../../plan/table-checks.ts'
import { type Column, isSameName, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { Work } from '../copy/work.ts'
import { linkedBy } from '../keys/links.ts'
import { comesAnew, crowdedProblems } from '../keys/links-again.ts'
import {
  includedProblems,
  ofPartitionProblems,
  primaryKeyProblems,
  unprovedProblems,
} from '../keys/primary-key.ts'
import type { Context } from '../operation.ts'
import type { RenamedKey } from './key.ts'
import type { RenameColumn } from './rename.ts'
import { type Renaming, renamingOf } from './renaming.ts'

/** What is in the way of another name of a column that rows are known by, besides what is in the way of any. */
export function renamedKeyProblems(
  op: RenameColumn,
  table: Table,
  from: Column,
  { schema, facts }: Context,
): readonly BellowsError[] {
  const found = renamingOf(op, table, from, facts)
  const renaming = 'problem' in found ? undefined : found
  const links = linkedBy(schema, [{ table, column: from.name }])
  const others = new Set(
    links.map((one) => one.table).filter((one) => one.kind !== 'partition' && !isSameName(one, table)),
  )
  const ofItself = links.filter((one) => isSameName(one.table, table) && one.key.columns.includes(from.name))
  const isOther =
    renaming !== undefined &&
    canonical([renaming.target.type, renaming.target.collation]) !== canonical([from.type, from.collation])
  return [
    ...ofPartitionProblems(links),
    ...[...others].flatMap((one) =>
      tableProblems({ namespace: one.namespace, table: one.name }, one, ['table', 'partitioned']),
    ),
    ...links.filter(comesAnew).flatMap((one) => crowdedProblems(one, facts.serverVersion)),
    ...links.flatMap(({ table: one, key }) => unprovedProblems(one, key)),
    ...ofItself.map(({ key }) =>
      refused(
        `The foreign key ${shown(key.name)} leads from "${from.name}" to "${from.name}" of the same table, both of which get another name.`,
        'Drop it for the time of the migration, and add it again afterwards.',
      ),
    ),
    ...(isOther && links.length > 0
      ? [
          refused(
            `Foreign keys point at "${table.name}"."${from.name}", and their columns would have to become another type with it.`,
            'Leave the type to change_type in the next migration, which takes them along.',
          ),
        ]
      : []),
    ...identityProblems(op, table, from, renaming),
    ...primaryKeyProblems(table, [{ table, column: from.name }], schema),
    ...includedProblems(schema, table, from.name),
  ]
}

function identityProblems(
  op: RenameColumn,
  table: Table,
  from: Column,
  renaming: Renaming | undefined,
): readonly BellowsError[] {
  if (from.identity === 'no') return []
  const of = `"${table.name}"."${from.name}"`
  if (renaming === undefined || (!renaming.changesValues && renaming.mapping.down !== undefined)) return []
  return [
    refused(
      `${of} is an identity: its values come from a sequence, and have to be the same in "${op.to}".`,
      'Leave up, down, transform and overlap away, with a type that takes every value as it is.',
    ),
  ]
}

export function renamedKeyHazards({
  from,
  to,
  table,
  things,
  key,
}: Work & { readonly key: RenamedKey }): readonly Hazard[] {
  return [
    ...things.keys.map(({ original }) => ({
      code: 'may_break' as const,
      because: `Until the purge ${shown(original.name)} stays the primary key of "${table.name}" on "${from}", because there is one at a time; "${to}" is unique besides. A query that groups by "${to}" alone and reads other columns fails until then.`,
    })),
    ...(key.identity === undefined
      ? []
      : [
          {
            code: 'may_break' as const,
            because: `The purge gives "${to}" a sequence of its own, which goes on where the old one is: a session that inserted before it cannot ask for its number by currval() or lastval() afterwards, and a nextval() that waits for the purge fails once.`,
          },
        ]),
  ]
}
