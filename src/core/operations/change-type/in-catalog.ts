import { compileAnewSql } from '../../plan/compiled-anew.ts'
import { onTable } from '../../plan/on-table.ts'
import { isEmpty, isOfType } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import type { Column, Table } from '../../schema/model.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'

type Typed = Pick<Column, 'type'>

/** The new type takes every value of the old one as it is stored, so that nothing is read. */
export function widenStep(table: Table, from: Column, to: Typed): StepDraft {
  return {
    ...onTable(table),
    kind: 'ddl',
    phase: 'expand',
    does: `let "${from.name}" of "${table.name}" be ${to.type}, which takes all that ${from.type} does`,
    hazards: [
      {
        code: 'stays_wide',
        because: `A rollback makes "${from.name}" ${from.type} again only while "${table.name}" is empty, because that would read every row under a lock that stops clients. Otherwise it keeps the wider type, which old instances can use, too.`,
      },
    ],
    probe: isOfType(table, from.name, to.type),
    requires: [
      {
        that: isOfType(table, from.name, from.type),
        code: 'drift_found',
        otherwise: `"${table.name}"."${from.name}" is no longer of type ${from.type}`,
      },
    ],
    statements: [typeSql(table, from, to), compileAnewSql([table])],
  }
}

/** Only where there is no row: nothing is read for long, and no value is cut. */
export function narrowStep(table: Table, from: Column, to: Typed): StepDraft {
  const hasNoRow = isEmpty(table)
  const isWide = isOfType(table, from.name, to.type)
  return {
    ...onTable(table),
    kind: 'ddl',
    phase: 'expand',
    does: `let "${from.name}" of "${table.name}" be ${from.type} again, if there is no row yet`,
    hazards: [],
    probe: sql`(${isOfType(table, from.name, from.type)} or ${isWide} and not ${hasNoRow})`,
    requires: [
      {
        that: hasNoRow,
        code: 'rows_in_the_way',
        otherwise: `"${table.name}" has got its first rows just now; run the same command again, and "${from.name}" keeps the wider type`,
      },
    ],
    statements: [typeSql(table, from, from), compileAnewSql([table])],
  }
}

function typeSql(table: Table, { name, collation }: Column, { type }: Typed): Sql {
  const collate = collation === null ? sql`` : sql` collate ${qualified(collation)}`
  return sql`alter table ${qualified(table)} alter column ${id(name)} type ${trusted(type)}${collate}`
}
