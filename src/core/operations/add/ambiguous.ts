import type { Hazard } from '../../plan/hazard.ts'
import { theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { lit, pattern, type Sql, sql } from '../../sql.ts'
import type { AddColumn } from './add.ts'

/**
 * Functions in PL/pgSQL that name the table and have a variable, or a parameter, by the name of the column. A query in one that says the
 * name alone means either from then on, and fails. Text is all there is to know it by.
 */
export function ambiguousQuestion(op: AddColumn): Sql {
  const [table, column] = [theTable(op).name, op.column].map((name) => `(?<!\\w)${pattern(name)}(?!\\w)`)
  const declared = `(?<!\\w)declare(?!\\w).*${column}\\s.*(?<!\\w)begin(?!\\w)`
  return sql`select p.oid::pg_catalog.regprocedure::pg_catalog.text as name from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql' join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname not in ('pg_catalog', 'information_schema', 'bellows') and ${said(theTable(op).name)} and ${said(op.column)} and p.prosrc ~* ${lit(table ?? '')} and p.prosrc ~* ${lit(column ?? '')} and (${lit(op.column)} = any (p.proargnames) or p.prosrc ~* ${lit(declared)}) and p.prosrc !~* '#variable_conflict\\s+use_' order by 1`
}

/** Most functions say neither, which is told in a hundredth of the time that a pattern takes. */
function said(word: string): Sql {
  return sql`pg_catalog.strpos(lower(p.prosrc), lower(${lit(word)})) > 0`
}

export function ambiguousHazards(op: AddColumn, { answers }: Facts): readonly Hazard[] {
  const answer = answers[ambiguousQuestion(op)]
  if (answer === undefined || 'problem' in answer) return []
  return answer.map(({ name }) => ({
    code: 'may_break',
    because: `The function ${String(name)} names "${op.table}" and has a variable "${op.column}": a query of it that says that name alone fails from this step on, because it may be the column. Write the variable with the name of the function before it, or #variable_conflict use_variable.`,
  }))
}
