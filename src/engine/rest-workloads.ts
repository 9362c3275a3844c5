import { type RolledWorkload, workloadName } from '../core/rollout/workload.ts'
import type { Act, Roll, WorkloadEvent } from '../core/rollout/workload-event.ts'
import { type Ours, workloadVerdict } from '../core/rollout/workload-verdict.ts'
import { aborted, paused, type Rolled, type Roller } from './roller.ts'
import { look } from './watch-workload.ts'

interface Resting {
  readonly roll: Roll
  readonly act: Act
  readonly workloads: readonly RolledWorkload[]
}

/**
 * What is rolled is watched for a while before the next workload, and at the end: what turns bad then has failed, too.
 * @returns what came between; undefined when the time is over
 */
export async function rested(
  roller: Roller,
  { roll, act, workloads }: Resting,
): Promise<WorkloadEvent | Rolled | undefined> {
  const { rules, clock, cluster } = roller
  const restMs = act.act === 'end' ? rules.bakeMs : rules.pauseBetweenMs
  if (restMs === 0) return undefined
  const watched = rolledOf(roll, workloads)
  for (;;) {
    // Once in any case: time has passed, too, where a roll stood still for somebody.
    const bad = await firstBad(roller, watched)
    if (bad !== undefined) return bad
    if ((await roller.rolledForMs()) >= restMs) return undefined
    const asked = await roller.asked()
    if (asked.wants === 'abort') return aborted(asked)
    const [last] = watched.slice(-1)
    if (asked.wants === 'pause' && last !== undefined) return paused(last.workload)
    await clock.sleep(rules.pollMinMs)
    await cluster.changed(rules.pollMaxMs)
  }
}

interface Watched {
  readonly workload: RolledWorkload
  readonly ours: Ours
}

function rolledOf({ stages }: Roll, workloads: readonly RolledWorkload[]): readonly Watched[] {
  return workloads.flatMap((workload) => {
    const stage = stages[workloadName(workload)]
    return stage?.at === 'rolled' ? [{ workload, ours: stage.ours }] : []
  })
}

/** A pod that goes and comes again is no failure yet: nodes are drained, and numbers of pods change. */
async function firstBad(roller: Roller, all: readonly Watched[]): Promise<WorkloadEvent | undefined> {
  for (const { workload, ours } of all) {
    const { facts } = await look(roller, workload)
    const verdict = workloadVerdict(facts, ours, roller.rules)
    roller.notify(facts, verdict)
    const { state, because } = verdict
    if (state === 'failed') return { type: 'workload_failed', workload: workloadName(workload), because }
    if (state === 'overtaken')
      return { type: 'workload_overtaken', workload: workloadName(workload), because }
  }
  return undefined
}
