import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { functionsCalled, isConstant, readExpression, readType } from '../../core/parse.ts'
import { expressionKey, type Facts, type RowShape } from '../../core/schema/facts.ts'
import type { Volatility } from '../../core/schema/model.ts'
import { id, join, lit, type Sql, sql } from '../../core/sql.ts'
import { eachApart } from './each-apart.ts'
import type { Sessions } from './sessions.ts'

/** An expression, and the type that it is assigned to. */
export interface Typed {
  readonly expression: Sql
  readonly type: Sql
}

/** Whether the server takes an expression for a type, and how steady its value is. It is described; only a literal is evaluated. */
export async function readExpressions(
  sessions: Sessions,
  needs: Needs['expressions'],
): Promise<Facts['expressions']> {
  const read = needs.flatMap((need) => {
    const [expression, type] = [readExpression(need.expression), readType(need.type)]
    const row = rowSql(need.row)
    return typeof expression === 'string' && typeof type === 'string' && row !== undefined
      ? [{ key: expressionKey(need.expression, need.type, need.row), expression, type, row }]
      : []
  })
  const distinct = [...new Map(read.map((one) => [one.key, one])).values()]
  const problems = await problemsOf(sessions, distinct)
  const sound = distinct.filter((_, at) => problems[at] === undefined)
  const texts = await literalTexts(sessions, sound)
  const volatility = await volatilityReader(
    sessions,
    sound.map(({ expression }) => expression),
  )
  const problem = (error: BellowsError) => ({ problem: error.message })
  const known = new Map<string, Facts['expressions'][string]>()
  for (const [at, error] of problems.entries())
    if (error !== undefined) known.set(distinct[at]?.key ?? '', problem(error))
  for (const [at, { key, expression }] of sound.entries()) {
    const text = texts[at] ?? null
    known.set(
      key,
      text instanceof BellowsError ? problem(text) : { volatility: volatility(expression), text },
    )
  }
  return Object.fromEntries(known)
}

/** A row of a table that is not there yet, for an expression to be described on; undefined when a type of it cannot be read. */
function rowSql(row: RowShape | undefined): Sql | undefined {
  if (row === undefined) return sql``
  const columns = row.map(({ name, type }) => {
    const read = readType(type)
    return typeof read === 'string' ? sql`null::${read} as ${id(name)}` : undefined
  })
  if (!columns.every((column) => column !== undefined)) return undefined
  return sql` from (select ${join(columns)}) as new_row`
}

/** Judges by the functions that an expression calls; of several functions of one name by the least steady one. */
export async function volatilityReader(
  sessions: Sessions,
  expressions: readonly Sql[],
): Promise<(of: Sql) => Volatility> {
  const calls = new Map(
    [...new Set(expressions)].map((expression) => [expression, functionsCalled(expression)]),
  )
  const names = [...new Set([...calls.values()].flat())]
  const found =
    names.length === 0
      ? []
      : await sessions.read<{ name: string }>(sql`
select proname as name from pg_catalog.pg_proc
  where proname in (${join(names.map((name) => lit(name)))}) group by proname having bool_or(provolatile = 'v')`)
  const unsteady = new Set(found.map(({ name }) => name))
  // CURRENT_TIMESTAMP and its like are not functions for the parser; no harm in calling every other expression stable.
  return (of) => ((calls.get(of) ?? []).some((name) => unsteady.has(name)) ? 'volatile' : 'stable')
}

/** What literals come to, as text; null for every other expression. Nothing else is evaluated: it could do something. */
export async function literalTexts(
  sessions: Sessions,
  expressions: readonly Typed[],
): Promise<readonly (string | null | BellowsError)[]> {
  const key = ({ expression, type }: Typed) => expressionKey(expression, type)
  const literals = [
    ...new Map(
      expressions.filter(({ expression }) => isConstant(expression)).map((one) => [key(one), one]),
    ).values(),
  ]
  const texts = await eachApart(literals, async (some) => {
    const values = some.map(({ expression, type }) => sql`(${expression})::${type}::pg_catalog.text`)
    const [row] = await sessions.read<{ texts: readonly (string | null)[] }>(
      sql`select array[${join(values)}]::pg_catalog.text[] as texts`,
    )
    return row?.texts ?? []
  })
  const known = new Map(literals.map((literal, at) => [key(literal), texts[at]]))
  return expressions.map((one) => known.get(key(one)) ?? null)
}

/** Why the server does not take an expression for its type. It is described, not evaluated. */
async function problemsOf(
  sessions: Sessions,
  expressions: readonly (Typed & { readonly row: Sql })[],
): Promise<readonly (BellowsError | undefined)[]> {
  return eachApart(expressions, async (some) => {
    const values = some.map(({ expression, type, row }) => sql`(select (${expression})::${type}${row})`)
    await sessions.describe(sql`select ${join(values)}`)
    return some.map(() => undefined)
  })
}
