import type { JournalEntry } from '../core/run/event.ts'
import { foldRun, type Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import type { WhichRuns } from './ports.ts'

/** Runs as the fold of their events, oldest first; none where nothing was ever installed. */
export async function readRuns(engine: Engine, which: WhichRuns): Promise<readonly Run[]> {
  if (!(await engine.journal.isInstalled())) return []
  const runs = await engine.journal.runs(which)
  const entries = await engine.journal.entries(runs.map(({ id }) => id))
  const ofRun = new Map(runs.map(({ id }): [number, JournalEntry[]] => [id, []]))
  for (const entry of entries) ofRun.get(entry.run)?.push(entry)
  return runs.map((run) => foldRun(run, ofRun.get(run.id) ?? []))
}
