import type { TestDatabase } from '../support/database.ts'
import type { Around } from '../support/faulty-ports.ts'

/** What an administrator does who switches the triggers of a table off for a load. */
export async function pastTheTrigger(database: TestDatabase, statement: string): Promise<void> {
  const names = await triggerNames(database)
  const all = (words: string) => names.map((name) => `alter table users ${words} trigger ${name}`).join('; ')
  await database.query(`${all('disable')}; ${statement}; ${all('enable always')}`)
}

/** Of the dual writes on the table `users`, quoted. */
export async function triggerNames(database: TestDatabase): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>(
    `select quote_ident(tgname) as name from pg_trigger where tgrelid = 'users'::regclass and tgname ~ 'bellows_dual_write' order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** A block that is past all rows when those before it have been deleted and the table is written anew. */
const BLOCK = 7

/** Rewrites the table once, as soon as the checkpoint of a step is past the place where the rows will be then. */
export function rewritingAt(
  database: TestDatabase,
  step: string,
): { readonly around: Around; readonly times: () => number } {
  let times = 0
  return {
    times: () => times,
    around: {
      after: async ({ kind }) => {
        if (times > 0 || kind !== 'transact') return
        const [at] = await database.query<{ block: number | null }>(
          `select coalesce((select max(to_block)::int from bellows.backfill_range r where r.step = c.step and next_rung = rungs),
            (state #>> '{at,block}')::int) as block from bellows.checkpoint c where step = $1`,
          [step],
        )
        if ((at?.block ?? 0) < BLOCK) return
        times += 1
        await database.query('vacuum full users')
      },
    },
  }
}
