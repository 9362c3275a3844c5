import { same } from '../../plan/dual-write.ts'
import { isOfType } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import type { Column, Table } from '../../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { onTable } from '../copy/work.ts'

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
        because: `A rollback makes "${from.name}" ${from.type} again only while "${table.name}" is of ${SMALL_WORDS} at most, because that reads every row; a larger one keeps the wider type, which old instances can use, too.`,
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
    statements: [typeSql(table, from, to)],
  }
}

/** Only where it takes milliseconds, and never by cutting a value. */
export function narrowStep(table: Table, from: Column, to: Typed): StepDraft {
  const value = id(from.name)
  return {
    ...onTable(table),
    kind: 'ddl',
    phase: 'expand',
    does: `let "${from.name}" of "${table.name}" be ${from.type} again, if the table is small enough for that`,
    hazards: [],
    probe: sql`(${isOfType(table, from.name, from.type)} or ${isOfType(table, from.name, to.type)} and pg_catalog.pg_total_relation_size(pg_catalog.to_regclass(${lit(qualified(table))})) > ${lit(SMALL_BYTES)})`,
    requires: [
      {
        that: sql`not exists (select from ${qualified(table)} where not ${same(value, sql`${value}::${trusted(from.type)}::${trusted(to.type)}`)})`,
        code: 'rows_in_the_way',
        otherwise: `"${table.name}"."${from.name}" holds values that do not fit ${from.type}; make them fit, or go on with the wider type`,
      },
    ],
    statements: [typeSql(table, from, from)],
  }
}

/** A table of this size is read and written in a few milliseconds. */
const SMALL_BYTES = 1_048_576
const SMALL_WORDS = '1 MB'

function typeSql(table: Table, { name, collation }: Column, { type }: Typed): Sql {
  const collate = collation === null ? sql`` : sql` collate ${qualified(collation)}`
  return sql`alter table ${qualified(table)} alter column ${id(name)} type ${trusted(type)}${collate}`
}
