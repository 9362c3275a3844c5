import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '../support/database.ts'

/** Applications that only want to go on with their work while somebody changes the table. */
export interface Bystanders {
  /**
   * Ends them. What failed, and how much longer the longest statement took than the longest of somebody who has nothing to do
   * with the table: what the machine was busy with is not held against the engine.
   */
  stop(): Promise<{ readonly longestMs: number; readonly errors: readonly string[] }>
}

const PAUSE_MS = 3
const CONTROL = 'create temporary table if not exists control (n int); insert into control values (1)'

/** Runs statements, each on a session of its own, again and again, and measures how long every one takes. */
export async function startBystanders(
  database: TestDatabase,
  statements: readonly string[],
): Promise<Bystanders> {
  let isRunning = true
  const errors: string[] = []
  const longest = { statement: 0, control: 0 }
  const loops = await Promise.all(
    [...statements, CONTROL].map(async (statement) => {
      const kind = statement === CONTROL ? 'control' : 'statement'
      const session = await database.session('bystander')
      return async () => {
        while (isRunning) {
          const since = performance.now()
          await session
            .query(statement)
            .catch((error: unknown) => errors.push(`${statement}: ${String(error)}`))
          longest[kind] = Math.max(longest[kind], performance.now() - since)
          await sleep(PAUSE_MS)
        }
      }
    }),
  )
  const running = loops.map((loop) => loop())
  return {
    stop: async () => {
      isRunning = false
      await Promise.all(running)
      return { longestMs: Math.max(0, longest.statement - longest.control), errors }
    },
  }
}
