import { BellowsError } from '../core/errors.ts'
import { progressMaxMs, type Standing, standing, stoodForMs } from '../core/rollout/stall.ts'
import { type RolledWorkload, type WorkloadFacts, workloadName } from '../core/rollout/workload.ts'
import type { WorkloadEvent } from '../core/rollout/workload-event.ts'
import { type Ours, type WorkloadVerdict, workloadVerdict } from '../core/rollout/workload-verdict.ts'
import { aborted, paused, type Rolled, type Roller, type RollRules } from './roller.ts'

/** What the end of a watch means; on the way back there is nothing to abort. */
export const FORWARD = { rolled: 'workload_rolled', failed: 'workload_failed', canAbort: true } as const
export const BACK = { rolled: 'workload_restored', failed: 'workload_stuck', canAbort: false } as const

/** Looks until something is decided, when something changes and once in a while. */
export async function watched(
  roller: Roller,
  { workload, ours }: { readonly workload: RolledWorkload; readonly ours: Ours },
  meanings: typeof FORWARD | typeof BACK,
): Promise<WorkloadEvent | Rolled> {
  const { cluster, clock, rules } = roller
  const name = workloadName(workload)
  let stood: Standing | undefined
  for (;;) {
    const facts = await look(roller, workload)
    stood = standing(stood, facts)
    const verdict = stalled(workloadVerdict(facts, ours, rules), stood, facts, rules)
    roller.notify(facts, verdict)
    const { state, because } = verdict
    if (state === 'rolled') return { type: meanings.rolled, workload: name, because }
    if (state === 'failed') return { type: meanings.failed, workload: name, because }
    if (state === 'overtaken') return { type: 'workload_overtaken', workload: name, because }
    if (state === 'draining' && stoodForMs(stood, facts) > rules.drainMaxMs) return { state, because }
    const asked = await roller.asked()
    if (asked.wants === 'pause') return paused(workload)
    if (asked.wants === 'abort' && meanings.canAbort) return aborted(asked)
    // Many pods change at once: one look shows it all.
    await clock.sleep(rules.pollMinMs)
    await cluster.changed(rules.pollMaxMs)
  }
}

function stalled(
  verdict: WorkloadVerdict,
  stood: Standing,
  facts: WorkloadFacts,
  rules: RollRules,
): WorkloadVerdict {
  const stoodMs = stoodForMs(stood, facts)
  if (verdict.state !== 'rolling' || stoodMs <= progressMaxMs(facts, rules)) return verdict
  const still = `nothing has moved in the ${workloadName(facts)} for ${Math.round(stoodMs / 1000)} s`
  return { state: 'failed', because: [still, ...verdict.because] }
}

/** The roll goes on whether we see it or not. */
export async function look(
  { cluster, clock, rules, asked }: Roller,
  workload: RolledWorkload,
): Promise<WorkloadFacts> {
  for (let blind = 1; ; blind += 1) {
    try {
      return await cluster.look(workload)
    } catch (error) {
      const isBlind = error instanceof BellowsError && error.code === 'cluster_unreachable'
      if (!isBlind || blind >= rules.blindLooksMax || (await asked()).wants !== 'go') throw error
      await clock.sleep(rules.pollMaxMs)
    }
  }
}
