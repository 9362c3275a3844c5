import { BellowsError } from '../../core/errors.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import type { Verdict } from '../../core/run/event.ts'
import { blockRanges, isThroughFile, type Pass, START } from '../../core/run/ranges.ts'
import { unkeptSteps } from '../../core/run/unkept.ts'
import { openBrake } from '../brake/brake.ts'
import type { Brake, Engine } from '../context.ts'
import { readRun } from '../drive.ts'
import { asDriver } from '../driving.ts'
import { stopIfAsked } from '../stop.ts'
import { tookTooLong } from './batch.ts'
import { readFile } from './file.ts'
import { foundSql } from './found.ts'
import { differs, refuted } from './verify.ts'

/** One chunk a second: next to nothing beside what an application does. */
const CHUNK_EVERY_MS = 1_000
/** The looks at the gate are on the same connection, and do not wait longer for it. */
const CHUNK_MS = 2_000

/**
 * Compares what no constraint keeps true while somebody waits at the gate, chunk by chunk at a low rate and under the brake, again and
 * again from the first row on. Reads only, and needs no driver until it finds something. Ends when it is closed, or nothing is to be
 * compared any more. What else is in its way, such as a lock or a connection that is lost, is no reason to wait no longer: the contract
 * compares all rows in any case.
 * @throws BellowsError `verification_failed` with the rows; written down, so that whoever looks sees why the run stands still
 */
export async function keepComparing(engine: Engine, id: number, closed: AbortSignal): Promise<void> {
  const comparing: Engine = {
    ...engine,
    clock: { ...engine.clock, sleep: (ms) => engine.clock.sleep(ms, closed) },
    isStopping: () => closed.aborted || engine.isStopping(),
  }
  while (!comparing.isStopping()) {
    try {
      const steps = unkeptSteps(await readRun(comparing, id))
      if (steps.length === 0) return
      for (const step of steps)
        await braked(engine, id, step, (brake) => onceThrough(comparing, id, step, brake))
    } catch (error) {
      if (!(error instanceof BellowsError) || error.code === 'verification_failed') throw error
      await comparing.clock.sleep(CHUNK_EVERY_MS)
    }
  }
}

/** What holds this back holds nobody else back, and nobody waits for it. The brake has its own end. */
async function braked(
  engine: Engine,
  id: number,
  step: VerifyStep,
  work: (brake: Brake) => Promise<void>,
): Promise<void> {
  const signals = { ...engine.signals, tell: async () => undefined }
  const brake = await openBrake({ ...engine, signals, notify: () => undefined }, id, step)
  try {
    await work(brake)
  } finally {
    brake.close()
  }
}

async function onceThrough(engine: Engine, id: number, step: VerifyStep, brake: Brake): Promise<void> {
  await rested(engine)
  const file = await readFile(engine, step.table)
  let rows = engine.settings.batch.verifyRows
  for (let pass: Pass = { file, at: START }; !isThroughFile(pass); await rested(engine)) {
    await brake.passed(engine)
    const range = blockRanges(pass, rows)
    const [verdict] = await engine.database
      .readOnly<Verdict>(foundSql(step, range), CHUNK_MS)
      .catch((error: unknown) => {
        if (!(error instanceof BellowsError) || !tookTooLong(error) || rows === 1) throw error
        rows = Math.max(1, Math.floor(rows / 2))
        return []
      })
    if (verdict === undefined) continue
    if (differs(verdict)) await told(engine, id, step, verdict)
    pass = { ...pass, at: range.to }
  }
}

async function rested(engine: Engine): Promise<void> {
  await engine.clock.sleep(CHUNK_EVERY_MS)
  stopIfAsked(engine)
}

async function told(engine: Engine, id: number, step: VerifyStep, verdict: Verdict): Promise<void> {
  await asDriver(engine, async (driving) => {
    const isToBeKept = unkeptSteps(await readRun(driving, id)).some((one) => one.id === step.id)
    if (isToBeKept) throw await refuted(driving, id, step, verdict)
  })
}
