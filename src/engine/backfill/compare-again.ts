import type { GateStep } from '../../core/plan/step.ts'
import type { Run } from '../../core/run/run.ts'
import { unkeptSteps } from '../../core/run/unkept.ts'
import { braked } from '../brake/brake.ts'
import type { Driving } from '../context.ts'
import { refuseClosed } from '../gate.ts'
import { note } from '../note.ts'
import { finishSql, forgetSql } from './checkpoint.ts'
import { verify } from './verify.ts'

/**
 * Right before the old column is hidden: all rows of what no constraint keeps true, from the first one on, however far an attempt
 * before it came. Gates that are closed are told first.
 * @throws BellowsError `verification_failed`, and what a gate is closed for
 */
export async function compareAgain(engine: Driving, run: Run, gates: readonly GateStep[]): Promise<void> {
  const steps = unkeptSteps(run)
  if (steps.length === 0) return
  for (const gate of gates) await refuseClosed(engine, run, gate)
  for (const step of steps) {
    await note(engine, run.id, [], [forgetSql(step.id)])
    await braked(engine, run.id, step, (driving) => verify(driving, run.id, step))
    await note(engine, run.id, [], [finishSql(run.id, step.id)])
  }
}
