import type { Hazard } from '../../plan/hazard.ts'
import type { Facts } from '../../schema/facts.ts'
import { lit, pattern, type Sql, sql } from '../../sql.ts'
import type { AddColumn } from './add.ts'

/**
 * Functions in PL/pgSQL that have a variable, or a parameter, by the name of the column: of all that add one of that name the server is
 * asked once. A query in one that says the name alone, and its table, means either from then on, and fails. Text is all there is to know it by.
 */
export function ambiguousQuestion({ column: name }: Pick<AddColumn, 'column'>): Sql {
  const column = `(?<!\\w)${pattern(name)}(?!\\w)`
  const declared = `(?<!\\w)declare(?!\\w).*${column}\\s.*(?<!\\w)begin(?!\\w)`
  // Most functions do not say it at all, which is told in a hundredth of the time that a pattern takes.
  return sql`select p.oid::pg_catalog.regprocedure::pg_catalog.text as name, p.prosrc as text from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql' join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname not in ('pg_catalog', 'information_schema', 'bellows') and pg_catalog.strpos(lower(p.prosrc), lower(${lit(name)})) > 0 and p.prosrc ~* ${lit(column)} and (${lit(name)} = any (p.proargnames) or p.prosrc ~* ${lit(declared)}) and p.prosrc !~* '#variable_conflict\\s+use_' order by 1`
}

export function ambiguousHazards(op: AddColumn, { answers }: Facts): readonly Hazard[] {
  const answer = answers[ambiguousQuestion(op)]
  if (answer === undefined || 'problem' in answer) return []
  const table = new RegExp(`(?<!\\w)${pattern(op.table)}(?!\\w)`, 'i')
  const naming = answer.filter(({ text }) => table.test(String(text)))
  return naming.map(({ name }) => ({
    code: 'may_break',
    because: `The function ${String(name)} names "${op.table}" and has a variable "${op.column}": a query of it that says that name alone fails from this step on, because it may be the column. Write the variable with the name of the function before it, or #variable_conflict use_variable.`,
  }))
}
