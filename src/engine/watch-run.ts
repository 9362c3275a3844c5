import { isServerLost } from '../core/errors.ts'
import { isHeldByHand } from '../core/plan/at-one-go.ts'
import type { Notice } from '../core/run/event.ts'
import { foldRun, isOver, type Run } from '../core/run/run.ts'
import { awaitServer } from './await-server.ts'
import { readProgress } from './backfill/doing.ts'
import { readNewest } from './backfill/quarantine.ts'
import { readBrake } from './brake/read-brake.ts'
import type { Engine } from './context.ts'
import { readRun } from './drive.ts'

const LOOK_MS = 1_000

/** Tells what becomes of a run, whoever drives it, until it is over or somebody asks to stop. Changes nothing. */
export async function watchRun(engine: Engine, id: number, tell: (notice: Notice) => void): Promise<Run> {
  let run = await readRun(engine, id)
  const follow = follower({ ...engine, notify: tell })
  let [seen, lost] = [0, 0]
  for (;;) {
    try {
      const entries = await engine.journal.entries([id])
      const news = entries.filter(({ seq }) => seq > seen)
      for (const { event, version } of news)
        tell({ type: 'happened', event, ...(version === undefined ? {} : { schemaVersion: version }) })
      seen = news.at(-1)?.seq ?? seen
      run = foldRun({ id, plan: run.plan }, entries)
      if (!isOver(run) && !engine.isStopping()) await follow(run)
      lost = 0
    } catch (error) {
      lost += 1
      if (!isServerLost(error) || lost > engine.settings.driver.reconnectsMax) throw error
      await awaitServer({ ...engine, notify: tell }, lost - 1, error)
    }
    if (isOver(run) || engine.isStopping()) return run
    await engine.clock.sleep(LOOK_MS)
  }
}

function follower(engine: Engine): (run: Run) => Promise<void> {
  let [wasHeld, leftOut] = [false, 0]
  return async (run) => {
    const newest = await readNewest(engine, run.id)
    if (newest !== undefined && newest.rows > leftOut) engine.notify({ type: 'quarantined', ...newest })
    leftOut = newest?.rows ?? 0
    const progress = await readProgress(engine, run.id)
    if (progress !== undefined) engine.notify(progress)
    const next = run.plan.steps.find(({ id }) => !run.done.has(id))
    const step = progress?.step ?? (next !== undefined && isHeldByHand(next) ? next.id : undefined)
    if (step === undefined) return
    const brake = (await readBrake(engine, run.id)) ?? { pace: 'go' as const, because: [] }
    if (wasHeld || brake.pace !== 'go') engine.notify({ type: 'braked', step, ...brake })
    wasHeld = brake.pace !== 'go'
  }
}
