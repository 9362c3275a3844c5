import { BellowsError } from '../../core/errors.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import type { Verdict } from '../../core/run/event.ts'
import { blockRanges, isThroughFile, type Pass, START } from '../../core/run/ranges.ts'
import { unkeptSteps } from '../../core/run/unkept.ts'
import { openBrake } from '../brake/brake.ts'
import type { Engine } from '../context.ts'
import { readRun } from '../drive.ts'
import { asDriver } from '../driving.ts'
import { stopIfAsked } from '../stop.ts'
import { readFile } from './file.ts'
import { foundSql } from './found.ts'
import { differs, refuted } from './verify.ts'

/** One chunk a second: next to nothing beside what an application does. */
const CHUNK_EVERY_MS = 1_000

/**
 * Compares what no constraint keeps true while somebody waits at the gate, chunk by chunk at a low rate and under the brake, again and
 * again from the first row on. Reads only, and needs no driver until it finds something. Ends when it is closed, or nothing is to be compared any more.
 * @throws BellowsError `verification_failed` with the rows; written down, so that whoever looks sees why the run stands still
 */
export async function keepComparing(engine: Engine, id: number, closed: AbortSignal): Promise<void> {
  const comparing: Engine = {
    ...engine,
    clock: { ...engine.clock, sleep: (ms) => engine.clock.sleep(ms, closed) },
    isStopping: () => closed.aborted || engine.isStopping(),
    // What holds this back holds nobody else back, and nobody waits for it.
    signals: { ...engine.signals, tell: async () => undefined },
    notify: () => undefined,
  }
  try {
    for (;;) {
      const steps = unkeptSteps(await readRun(comparing, id))
      if (steps.length === 0) return
      for (const step of steps) await onceThrough(comparing, id, step)
    }
  } catch (error) {
    if (!(closed.aborted && error instanceof BellowsError && error.code === 'interrupted')) throw error
  }
}

async function onceThrough(engine: Engine, id: number, step: VerifyStep): Promise<void> {
  await rested(engine)
  const brake = await openBrake(engine, id, step)
  try {
    const file = await readFile(engine, step.table)
    for (let pass: Pass = { file, at: START }; !isThroughFile(pass); await rested(engine)) {
      await brake.passed(engine)
      const range = blockRanges(pass, engine.settings.batch.verifyRows)
      const [verdict] = await engine.database.read<Verdict>(foundSql(step, range))
      if (verdict !== undefined && differs(verdict)) await told(engine, id, step, verdict)
      pass = { ...pass, at: range.to }
    }
  } catch (error) {
    // Somebody has hidden the column in this very moment.
    if (await isToBeKept(engine, id, step)) throw error
  } finally {
    brake.close()
  }
}

async function rested(engine: Engine): Promise<void> {
  await engine.clock.sleep(CHUNK_EVERY_MS)
  stopIfAsked(engine)
}

async function isToBeKept(engine: Engine, id: number, step: VerifyStep): Promise<boolean> {
  return unkeptSteps(await readRun(engine, id)).some((one) => one.id === step.id)
}

async function told(engine: Engine, id: number, step: VerifyStep, verdict: Verdict): Promise<void> {
  await asDriver(engine, async (driving) => {
    if (await isToBeKept(driving, id, step)) throw await refuted(driving, id, step, verdict)
  })
}
