import { NO_TABLE } from '../../core/plan/leaver.ts'
import { isTransaction, type Step } from '../../core/plan/step.ts'
import { type Decision, decide } from '../../core/throttle/decide.ts'
import { afterLook, unheard } from '../../core/throttle/known.ts'
import type { SignalName } from '../../core/throttle/readings.ts'
import type { Engine } from '../context.ts'
import { stopIfAsked } from '../stop.ts'
import { heldTooLong } from './held-too-long.ts'

/** Phases in which nobody waits for the next step, and nothing is half taken away. */
const MAY_WAIT: readonly Step['phase'][] = ['expand', 'backfill', 'verify']
const ASKED: readonly SignalName[] = ['asked']

/**
 * What the server does at one go cannot be paused once it is under way: an index that is built, a constraint that is proved. So it does
 * not begin while somebody has asked for a pause; of several parts the next one does not. A way back goes on.
 */
export async function whileHeldByHand(engine: Engine, run: number, step: Step): Promise<void> {
  if (step.undoes !== undefined || !MAY_WAIT.includes(step.phase)) return
  const { pollMs, pauseMaxMs } = engine.settings.brake
  const tell = async (decision: Decision) => {
    engine.notify({ type: 'braked', step: step.id, ...decision })
    await engine.signals.tell(run, decision)
  }
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    stopIfAsked(engine)
    const decision = await askedFor(engine, run)
    if (decision.pace !== 'pause') {
      if (waitedMs > 0) await tell(decision)
      return
    }
    if (waitedMs >= pauseMaxMs) throw heldTooLong(step.id, step.does, decision.because, pauseMaxMs)
    await tell(decision)
    await engine.clock.sleep(pollMs)
  }
}

async function askedFor({ signals, settings: { brake } }: Engine, run: number): Promise<Decision> {
  const heard = await signals.look({ run, table: NO_TABLE, diskBytes: brake.diskBytes, signals: ASKED })
  return decide(afterLook(unheard(ASKED, []), heard), brake)
}

/** Does the server read or write a whole table for it, in one statement? What works through parts asks in front of each. */
export function isAtOneGo(step: Step): boolean {
  return isTransaction(step)
    ? step.cost === 'scan' || step.cost === 'unknown'
    : step.kind === 'concurrent_index'
}
