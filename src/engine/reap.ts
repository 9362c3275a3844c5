import { BellowsError } from '../core/errors.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import { drive, readRun } from './drive.ts'
import { asDriver } from './driving.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'

/** What became of a hidden shape that was to be dropped by itself. */
export interface Reaped {
  readonly migration: string
  readonly dropped: boolean
  /** Why it was not. */
  readonly because?: string
}

/** Lets a hidden shape be dropped by `reap`, once it has been hidden for so long. */
export async function schedulePurge(engine: Engine, run: number, graceMs: number): Promise<Run> {
  return await asDriver(engine, async (driving) => {
    await note(driving, run, [{ type: 'purge_scheduled', graceMs }])
    return await readRun(driving, run)
  })
}

/** Drops every hidden shape whose time has come. One that cannot be dropped does not keep the others. */
export async function reap(engine: Engine): Promise<readonly Reaped[]> {
  const due = (await readRuns(engine, 'open')).filter(
    ({ state, purgeAfterMs }) => (state === 'retiring' || state === 'purging') && purgeAfterMs !== undefined,
  )
  const reaped: Reaped[] = []
  for (const run of due) reaped.push(await dropped(engine, run))
  return reaped
}

async function dropped(engine: Engine, { id, plan, purgeAfterMs = 0 }: Run): Promise<Reaped> {
  const migration = plan.migration.name
  const settings = { ...engine.settings, graceMs: purgeAfterMs }
  try {
    await asDriver({ ...engine, settings }, (driving) => drive(driving, id, 'purge'))
    return { migration, dropped: true }
  } catch (error) {
    if (!(error instanceof BellowsError) || error.code === 'interrupted') throw error
    return { migration, dropped: false, because: error.message }
  }
}
