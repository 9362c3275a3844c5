import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenDatabase } from './clones.ts'

/** The two columns of the table that an application may know, whichever of its names they have. */
interface Names {
  readonly name: string
  readonly team: string
}

export const OLD: Names = { name: 'name', team: 'team' }
export const RENEWED: Names = { name: 'full_name', team: 'squad' }

const PAUSE_MS = 5
let number = 0

/** Which versions of the application can work with the table as it stands? Is the dual write of the name there? */
export async function able(
  database: OpenDatabase,
): Promise<{ old: boolean; renewed: boolean; installed: boolean }> {
  const rows = await database.query<{ attname: string }>(
    `select attname from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped`,
  )
  const columns = rows.map(({ attname }) => attname)
  const knows = (names: Names) => columns.includes(names.name) && columns.includes(names.team)
  return { old: knows(OLD), renewed: knows(RENEWED), installed: columns.includes(RENEWED.name) }
}

/** What one request of the application does: a row of its own is made and changed; what it wrote last stands in `said`. */
export async function request(
  query: (text: string) => Promise<unknown>,
  { name, team }: Names,
): Promise<void> {
  number += 1
  const value = `${name} ${number}`
  await query(
    `insert into users (${name}, ${team}, said) values ('${value}', ${number % 10}, '${value}'); select ${name}, ${team} from users where id = 1 + ${number} % 300; update users set ${name} = '${value}.', said = '${value}.', ${team} = null where said = '${value}'`,
  )
}

/** Makes requests, slowly, until it is stopped. The answer of `stop` is what failed; nothing may. */
export async function trickle(
  database: OpenDatabase,
  names: Names,
): Promise<{ stop: () => Promise<string[]> }> {
  const session = await database.session('trickle')
  const errors: string[] = []
  let isRunning = true
  const running = (async () => {
    while (isRunning) {
      await request((text) => session.query(text), names).catch((error: unknown) =>
        errors.push(`${names.name}: ${error instanceof Error ? error.message : String(error)}`),
      )
      await sleep(PAUSE_MS)
    }
  })()
  return {
    stop: async () => {
      isRunning = false
      await running
      return errors
    },
  }
}
