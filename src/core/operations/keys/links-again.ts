import { validateForeignKeyStep } from '../../plan/constraint-steps.ts'
import { foreignKeyPartsStep } from '../../plan/parts-steps.ts'
import { constraintIs } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import type { Constraint, Table } from '../../schema/model.ts'
import { id, lit, qualified, regclass, type Sql, sql, trusted } from '../../sql.ts'
import { type Link, linkCommentSql, partedKey } from './links.ts'

/** How a foreign key comes back to the old columns, where it could not stay beside its twin. */

/** The old foreign key, for new rows alone: of a partitioned table only its partitions can have one that is not proved. */
export function putAgainSql({ table, key }: Link): readonly Sql[] {
  if (table.kind === 'partitioned') return [putOnPartsSql(table, key)]
  const unproved = key.validated ? sql` not valid` : sql``
  return [
    sql`alter table ${qualified(table)} add constraint ${id(key.name)} ${trusted(key.definition)}${unproved}`,
    ...linkCommentSql(table, key),
  ]
}

function putOnPartsSql(table: Table, { name, definition }: Constraint): Sql {
  const body = sql`
declare
  part regclass;
begin
  for part in select t.relid from pg_catalog.pg_partition_tree(${regclass(table)}) t where t.isleaf order by t.relid loop
    execute pg_catalog.format('alter table %s add constraint %I %s not valid', part, ${lit(name)}, ${lit(definition)});
  end loop;
end`
  return sql`do ${lit(body)}`
}

/** For the rows that are there. */
export function proveAgainStep(link: Link): StepDraft {
  const { table, other, key } = link
  if (table.kind === 'partitioned') return takeOverAgainStep(link)
  return validateForeignKeyStep({
    table,
    other,
    name: key.name,
    phase: 'retire',
    does: `check the foreign key "${key.name}" of "${table.name}" again, for the rows that are there`,
  })
}

/** Also in front of the contract, where an undo before it was cut off behind its first step. */
export function takeOverAgainStep(link: Link): StepDraft {
  const { table, key } = link
  return {
    ...foreignKeyPartsStep(partedKey(link, key.name, trusted(key.definition)), {
      phase: 'retire',
      hazards: [],
      probe: constraintIs(table, key.name, 'foreign_key'),
      comment: key.comment,
    }),
    does: `prove the foreign key "${key.name}" in each partition of "${table.name}" where an undo has put it up again, and then on the table`,
  }
}
