import type { Step } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { whileHeldByHand } from './brake/held-by-hand.ts'
import type { Driving } from './context.ts'
import { stopIfAsked } from './stop.ts'

/** What is done by a step to partitions that lack something. */
interface Lacking<P> {
  readonly run: Pick<Run, 'id'>
  readonly step: Step
  /** Reads who lacks it still, or of these the one. */
  readonly lacking: (one?: QualifiedName) => Promise<readonly P[]>
}

/**
 * Works at each partition until it lacks nothing. Partitions come and go while that takes hours: each is asked for anew right before it is worked at, and all of them
 * when that was the last one. To ask for all takes the longer the more they are, of an index more than a tenth of a
 * millisecond for each partition (34 ms of 300 with six indexes each), so that is not done for each.
 */
export async function eachLacking<P extends QualifiedName>(
  engine: Driving,
  { run, step, lacking }: Lacking<P>,
  work: (part: P) => Promise<unknown>,
): Promise<void> {
  for (let parts = await lacking(); parts.length > 0; parts = await lacking())
    for (const { namespace, name } of parts)
      for (;;) {
        stopIfAsked(engine)
        const [part] = await lacking({ namespace, name })
        if (part === undefined) break
        if (!(await whileHeldByHand(engine, run.id, step))) await work(part)
      }
}
