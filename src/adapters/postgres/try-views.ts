import { BellowsError } from '../../core/errors.ts'
import { type Facts, nameKey } from '../../core/schema/facts.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { lit, qualified, regclass, sql } from '../../core/sql.ts'
import { type Scratch, scratchIfAllowed } from './scratch.ts'
import type { Sessions } from './sessions.ts'
import { BOUNDS } from './try-definition.ts'

/**
 * Makes each view beside itself by the text that the server prints of it, in a transaction that is taken back, and asks how that one is
 * printed: some expressions are understood in other words when they are read again, so that the view would not come back to the letter.
 */
export async function tryViews(
  sessions: Sessions,
  views: readonly QualifiedName[],
): Promise<Facts['reprinted']> {
  const facts: Record<string, boolean> = {}
  if (views.length === 0) return facts
  const scratch = await scratchIfAllowed(sessions)
  if (scratch === undefined) return facts
  for (const view of views) {
    const isSame = await isPrintedAgain(scratch, view).catch(unlessLost)
    if (isSame !== undefined) facts[nameKey(view)] = isSame
  }
  return facts
}

async function isPrintedAgain(scratch: Scratch, view: QualifiedName): Promise<boolean> {
  const beside = { namespace: scratch.namespace, name: 'bellows_view' }
  const printed = (one: QualifiedName) => sql`pg_catalog.pg_get_viewdef(${regclass(one)})`
  const made = sql`begin execute pg_catalog.format('create view %s as %s', ${lit(qualified(beside))}, ${printed(view)}); end`
  const answers = await scratch.try([
    ...BOUNDS,
    sql`do ${lit(made)}`,
    sql`select pg_catalog.to_json(${printed(view)} = ${printed(beside)}) as same`,
  ])
  return answers.at(-1)?.[0]?.same === true
}

function unlessLost(error: unknown): undefined {
  if (!(error instanceof BellowsError) || error.code === 'connection_lost') throw error
}
