import { BellowsError } from '../core/errors.ts'
import type { Event } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import { drive, graceLeftMs, readRun } from './drive.ts'
import { asDriver } from './driving.ts'
import { rulesFrom } from './gate.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'

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
  const { version } = engine.settings.gate
  const { overrides } = rulesFrom(engine.settings.gate)
  const scheduled: Event = {
    type: 'purge_scheduled',
    graceMs,
    ...(version === undefined ? {} : { staying: version }),
    ...(overrides.length === 0 ? {} : { overrides }),
  }
  return await asDriver(engine, async (driving) => {
    await note(driving, run, [scheduled])
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
    return { migration, dropped: false, because: `${error.message} ${error.hint ?? ''}`.trim() }
  }
}

/** Nobody is there any more to say which version is to stay, and what to go without: it was said when the drop was scheduled. */
async function scheduledFor(engine: Engine, run: Run): Promise<Engine> {
  const { settings } = engine
  const scheduled = (await engine.journal.entries([run.id])).findLast(
    ({ event }) => event.type === 'purge_scheduled',
  )?.event
  const said = scheduled?.type === 'purge_scheduled' ? scheduled : undefined
  const version = settings.gate.version ?? said?.staying
  const gate = {
    ...settings.gate,
    overrides: [...settings.gate.overrides, ...(said?.overrides ?? [])],
    ...(version === undefined ? {} : { version }),
  }
  return { ...engine, settings: { ...settings, gate, graceMs: run.purgeAfterMs ?? 0 } }
}
