import { BellowsError } from '../../core/errors.ts'
import { functionsCalled, isConstant } from '../../core/parse.ts'
import type { Volatility } from '../../core/schema/model.ts'
import { join, lit, type Sql, sql } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

/** An expression, and the type that it is assigned to. */
export interface Typed {
  readonly expression: Sql
  readonly type: Sql
}

/** Judges by the functions that an expression calls; of several functions of one name by the least steady one. */
export async function volatilityReader(
  sessions: Sessions,
  expressions: readonly Sql[],
): Promise<(of: Sql) => Volatility> {
  const calls = new Map(expressions.map((expression) => [expression, functionsCalled(expression)]))
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
  const literals = expressions.filter(({ expression }) => isConstant(expression))
  const texts = await eachApart(literals, async (some) => {
    const values = some.map(({ expression, type }) => sql`(${expression})::${type}::pg_catalog.text`)
    const [row] = await sessions.read<{ texts: readonly (string | null)[] }>(
      sql`select array[${join(values)}]::pg_catalog.text[] as texts`,
    )
    return row?.texts ?? []
  })
  const byExpression = new Map(literals.map((literal, at) => [literal, texts[at]]))
  return expressions.map((one) => byExpression.get(one) ?? null)
}

/** Why the server does not take an expression for its type. It is described, not evaluated. */
export async function problemsOf(
  sessions: Sessions,
  expressions: readonly Typed[],
): Promise<readonly (BellowsError | undefined)[]> {
  return eachApart(expressions, async (some) => {
    const values = some.map(({ expression, type }) => sql`(${expression})::${type}`)
    await sessions.describe(sql`select ${join(values)}`)
    return some.map(() => undefined)
  })
}

/** PostgreSQL's limit of the columns that a query returns is 1,664. */
const ASKED_AT_ONCE_MAX = 1_000

/** Asks for many at once; where that fails, for each half apart, until it is known which ones are to blame. */
async function eachApart<T, R>(
  asked: readonly T[],
  ask: (some: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly (R | BellowsError)[]> {
  if (asked.length === 0) return []
  const inHalves = async () => {
    const middle = Math.ceil(asked.length / 2)
    return [...(await eachApart(asked.slice(0, middle), ask)), ...(await eachApart(asked.slice(middle), ask))]
  }
  if (asked.length > ASKED_AT_ONCE_MAX) return inHalves()
  try {
    return await ask(asked)
  } catch (error) {
    if (!(error instanceof BellowsError) || error.code === 'connection_lost') throw error
    return asked.length === 1 ? [error] : inHalves()
  }
}
