import { messageOf } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExpression, readType } from '../../core/parse.ts'
import { conditionKey, type Facts } from '../../core/schema/facts.ts'
import { id, join, qualified, type Sql, sql } from '../../core/sql.ts'
import { volatilityReader } from './expressions.ts'
import type { Sessions } from './sessions.ts'

/** Whether the server takes a condition for the rows of a table. It is described, never evaluated. */
export async function readConditions(
  sessions: Sessions,
  needs: Needs['conditions'],
): Promise<Facts['conditions']> {
  const facts: Record<string, Facts['conditions'][string]> = {}
  for (const need of needs) {
    const { table, condition } = need
    const read = readExpression(condition)
    if (typeof read !== 'string') continue
    const volatility = await volatilityReader(sessions, [read])
    facts[conditionKey(table, condition)] = await sessions
      .describe(sql`select true from ${rowsOf(need)} where (${read})`)
      .then(() => ({ volatility: volatility(read) }))
      .catch((error: unknown) => ({ problem: messageOf(error) }))
  }
  return facts
}

/** The rows of a table, with the columns that it does not have yet. */
function rowsOf({ table, added }: Needs['conditions'][number]): Sql {
  const more = added.flatMap(({ column, type }) => {
    const read = readType(type)
    return typeof read === 'string' ? [sql`null::${read} as ${id(column)}`] : []
  })
  if (more.length === 0) return qualified(table)
  return sql`(select *, ${join(more)} from ${qualified(table)}) as ${id(table.name)}`
}
