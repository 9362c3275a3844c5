import type { TableStep } from '../../core/plan/step.ts'
import type { Brake, Engine } from '../context.ts'
import { stopIfAsked } from '../stop.ts'
import { again } from './again.ts'
import { announcer } from './announce.ts'
import { heldTooLong } from './held-too-long.ts'
import { type Watching, watchSignals } from './watch.ts'

/** Works through a table while the signals are looked at, as the driver or beside it. */
export async function braked<E extends Engine, R>(
  engine: E,
  run: number,
  step: TableStep,
  work: (working: E) => Promise<R>,
): Promise<R> {
  const brake = await openBrake(engine, run, step)
  try {
    return await work({ ...engine, brake })
  } finally {
    brake.close()
  }
}

/** The first look is waited for, so that no batch begins unseen. It needs no driver. */
export async function openBrake(engine: Engine, run: number, step: TableStep): Promise<Brake> {
  const closing = new AbortController()
  const watching = await watchSignals(engine, { run, step, closed: closing.signal })
  const announce = announcer(engine, { run, step, watching })
  announce()
  const { pollMs } = engine.settings.brake
  void again(engine, { pauseMs: pollMs, closed: closing.signal }, announce)
  let pauses = 0
  return {
    passed: async (working) => {
      if (await passed({ ...engine, ...working }, step, watching)) pauses += 1
    },
    workers: () => watching.decision().workers,
    asked: () => {
      const share = watching.asked()
      return share === 0 ? undefined : share
    },
    pauses: () => pauses,
    close: () => closing.abort(),
  }
}

const WAIT_MS = 25

/** Returns whether there was a pause to wait for. */
async function passed(engine: Engine, step: TableStep, watching: Watching): Promise<boolean> {
  const { pauseMaxMs } = engine.settings.brake
  let wasPaused = false
  for (let waitedMs = 0; !watching.isOpen(); waitedMs += WAIT_MS) {
    stopIfAsked(engine)
    const { pace, because } = watching.decision()
    if (waitedMs >= pauseMaxMs) throw heldTooLong(step.id, `"${step.table.name}"`, because, pauseMaxMs)
    wasPaused ||= pace === 'pause'
    await engine.clock.sleep(WAIT_MS)
  }
  return wasPaused
}
