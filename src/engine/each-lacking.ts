import { BellowsError } from '../core/errors.ts'
import { relationExists } from '../core/plan/probes.ts'
import type { Step } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { whileHeldByHand } from './brake/held-by-hand.ts'
import type { Driving } from './context.ts'
import { holds } from './holds.ts'
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
        if (await whileHeldByHand(engine, run.id, step)) continue
        await work(part).catch(async (error: unknown) => {
          if (!(await isOfGone(engine, part, error))) throw error
        })
      }
}

/** What is not there, in the words of appendix A of the PostgreSQL manual: 42, the names in a statement. */
const OF_NAMES = /^42/

/** Was the partition dropped or renamed just as it had its turn? By another name it is asked for anew. */
async function isOfGone(engine: Driving, part: QualifiedName, error: unknown): Promise<boolean> {
  const isOfNames = error instanceof BellowsError && OF_NAMES.test(error.sqlstate ?? '')
  return isOfNames && !(await holds(engine, relationExists(part)))
}
