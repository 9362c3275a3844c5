import { messageOf } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExpression } from '../../core/parse.ts'
import { conditionKey, type Facts } from '../../core/schema/facts.ts'
import { sql } from '../../core/sql.ts'
import { comingColumns, type Known, rowsWith } from './added-columns.ts'
import { volatilityReader } from './expressions.ts'
import type { Sessions } from './sessions.ts'

/** Whether the server takes a condition for the rows of a table. It is described, never evaluated. */
export async function readConditions(
  sessions: Sessions,
  needs: Needs['conditions'],
  known: Known,
): Promise<Facts['conditions']> {
  const facts: Record<string, Facts['conditions'][string]> = {}
  for (const { table, condition, added } of needs) {
    const rows = rowsWith(table, comingColumns(added, table, known), known)
    const read = readExpression(condition)
    if (typeof read !== 'string') continue
    const volatility = await volatilityReader(sessions, [read])
    facts[conditionKey(table, condition)] = await sessions
      .describe(sql`select true from ${rows} where (${read})`)
      .then(() => ({ volatility: volatility(read) }))
      .catch((error: unknown) => ({ problem: messageOf(error) }))
  }
  return facts
}
