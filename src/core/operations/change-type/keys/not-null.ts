import { defaultName } from '../../../plan/names.ts'
import { onTable } from '../../../plan/on-table.ts'
import { columnIsNotNull } from '../../../plan/probes.ts'
import type { StepDraft } from '../../../plan/step.ts'
import { id, qualified, type Sql, sql } from '../../../sql.ts'
import { validatedRequirement } from '../../copy/work.ts'
import type { Member } from './keys.ts'

/**
 * Since PostgreSQL 18 a NOT NULL has a name, and the new column is to have the one that PostgreSQL gives, which the old one may have:
 * then that is put aside. The validated CHECK proves it. A partitioned table has it before.
 */
export function setNotNullSql(member: Member): readonly Sql[] {
  if (!isFilledAtOnce(member)) return []
  const names = namesOf(member)
  const set = setSql(member, member.from)
  return names === undefined ? [set] : [renameSql(member, names.given, names.copy), set]
}

export function dropNotNullSql(member: Member): readonly Sql[] {
  if (!isFilledAtOnce(member)) return []
  const { table, to } = member
  const names = namesOf(member)
  const drop = sql`alter table ${qualified(table)} alter column ${id(to)} drop not null`
  return names === undefined ? [drop] : [drop, renameSql(member, names.copy, names.given)]
}

function isFilledAtOnce({ isFilled, table }: Member): boolean {
  return isFilled && table.kind !== 'partitioned'
}

/**
 * Ahead of the swap, for which each partition more takes its time. Nobody writes the new column but the trigger, and its CHECK refuses NULL
 * already; so an undo leaves it as it is. The old NOT NULL may be called otherwise in a partition, and cannot be put aside there: the new one has
 * a name of ours at first.
 */
export function knowNotNullSteps(member: Member): readonly StepDraft[] {
  const { table, from, to, isFilled, names } = member
  if (!isFilled || table.kind !== 'partitioned') return []
  const given = namesOf(member)
  const set =
    given === undefined
      ? setSql(member, to)
      : sql`alter table ${qualified(table)} add constraint ${id(given.copy)} not null ${id(to)}`
  return [
    {
      ...onTable(table),
      kind: 'ddl',
      phase: 'retire',
      does: `have the database know that the new "${from}" of "${table.name}" is never NULL`,
      probe: columnIsNotNull(table, to),
      requires: [validatedRequirement(table, names.notNullProof)],
      statements: [set],
    },
  ]
}

function setSql({ table }: Member, column: string): Sql {
  return sql`alter table ${qualified(table)} alter column ${id(column)} set not null`
}

/** When the old column is gone. */
export function nameNotNullSql(member: Member): readonly Sql[] {
  const names = namesOf(member)
  if (!member.isFilled || names === undefined || member.table.kind !== 'partitioned') return []
  return [renameSql(member, names.copy, names.given)]
}

function namesOf({
  table,
  from,
  names,
}: Member): { readonly given: string; readonly copy: string } | undefined {
  const given = defaultName(table.name, [from], 'not_null')
  const isGiven = table.constraints.some(
    (one) => one.kind === 'not_null' && one.columns.includes(from) && one.name === given,
  )
  return isGiven ? { given, copy: names.copy(given) } : undefined
}

function renameSql({ table }: Member, from: string, to: string): Sql {
  return sql`alter table ${qualified(table)} rename constraint ${id(from)} to ${id(to)}`
}
