import { BellowsError } from '../core/errors.ts'
import { argument } from '../core/gate/argument.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import { drive, graceLeftMs, readRun } from './drive.ts'
import { asDriver } from './driving.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'
import { purgeScheduled, scheduledFor } from './scheduled.ts'

/** What became of a hidden shape that was to be dropped by itself. */
export interface Reaped {
  readonly migration: string
  readonly dropped: boolean
  /** How much longer it is kept; absent when its grace is over. */
  readonly graceLeftMs?: number
  /** Why it was not dropped although its grace is over, and what to do. */
  readonly because?: string
}

/** Lets a hidden shape be dropped by `reap`, once it has been hidden for so long. */
export async function schedulePurge(engine: Engine, run: number, graceMs: number): Promise<Run> {
  return await asDriver(engine, async (driving) => {
    await note(driving, run, [purgeScheduled(engine, graceMs)])
    return await readRun(driving, run)
  })
}

/** Drops every hidden shape whose grace is over, and tells how much longer each other one is kept. One that cannot be dropped does not keep the others. */
export async function reap(engine: Engine): Promise<readonly Reaped[]> {
  const due = (await readRuns(engine, 'open')).filter(
    ({ state, purgeAfterMs }) => (state === 'retiring' || state === 'purging') && purgeAfterMs !== undefined,
  )
  const reaped: Reaped[] = []
  for (const run of due) reaped.push(await dropped(engine, run))
  return reaped
}

async function dropped(engine: Engine, run: Run): Promise<Reaped> {
  const migration = run.plan.migration.name
  const asScheduled = await scheduledFor(engine, run)
  const leftMs = await graceLeftMs(asScheduled, run)
  if (leftMs > 0) return { migration, dropped: false, graceLeftMs: leftMs }
  try {
    await asDriver(asScheduled, (driving) => drive(driving, run.id, 'purge'))
    return { migration, dropped: true }
  } catch (error) {
    if (!(error instanceof BellowsError) || error.code === 'interrupted') throw error
    return {
      migration,
      dropped: false,
      because: whyKept(error, migration, asScheduled.settings.gate.version),
    }
  }
}

/** Whoever rolled out something else since then may have done so where nobody here sees it. */
function whyKept(
  { code, message, hint }: BellowsError,
  migration: string,
  staying: string | undefined,
): string {
  const isClosed = code === 'gate_closed' || code === 'instances_blocking'
  const said =
    isClosed && staying !== undefined
      ? `It goes by "${staying}" as the version that is to stay. Where another one has taken its place, say so: bellows contract ${argument(migration)} --to <version>.`
      : undefined
  return [message, said, hint].filter((part) => part !== undefined).join(' ')
}
