import { messageOf } from '../../core/errors.ts'
import type { Facts } from '../../core/schema/facts.ts'
import { qualified, type Sql, sql } from '../../core/sql.ts'
import { eachApart } from './each-apart.ts'
import { scratchIfAllowed } from './scratch.ts'
import type { Sessions } from './sessions.ts'

/** Makes an empty table with each of them, in a transaction that is taken back: what is out of bounds only the server knows. */
export async function tryOptions(sessions: Sessions, options: readonly Sql[]): Promise<Facts['options']> {
  if (options.length === 0) return {}
  const scratch = await scratchIfAllowed(sessions)
  if (scratch === undefined) return {}
  const answers = await eachApart(options, async (some) => {
    await scratch.try(
      some.map((option, at) => sql`create table ${named(scratch.namespace, at)} (a text) with (${option})`),
    )
    return some.map(() => undefined)
  })
  return Object.fromEntries(
    options.flatMap((option, at) => (answers[at] === undefined ? [] : [[option, messageOf(answers[at])]])),
  )
}

function named(namespace: string, at: number): Sql {
  return qualified({ namespace, name: `bellows_options_${at}` })
}
