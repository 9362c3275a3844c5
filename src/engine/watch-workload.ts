import { BellowsError } from '../core/errors.ts'
import { heldByEnding, progressMaxMs, type Standing, standing, stoodForMs } from '../core/rollout/stall.ts'
import { type RolledWorkload, type WorkloadFacts, workloadName } from '../core/rollout/workload.ts'
import type { WorkloadEvent } from '../core/rollout/workload-event.ts'
import { type Ours, type WorkloadVerdict, workloadVerdict } from '../core/rollout/workload-verdict.ts'
import { aborted, paused, type Rolled, type Roller } from './roller.ts'

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
    const { facts, wasBlind } = await look(roller, workload)
    stood = standing(stood, facts, wasBlind)
    const verdict = stalled(roller, { facts, ours }, stood)
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

/** Whoever was told to end has a time of its own for that, and the next pod of such a workload waits for it. */
function stalled(
  { rules }: Pick<Roller, 'rules'>,
  { facts, ours }: { readonly facts: WorkloadFacts; readonly ours: Ours },
  stood: Standing,
): WorkloadVerdict {
  const verdict = workloadVerdict(facts, ours, rules)
  const stoodMs = stoodForMs(stood, facts)
  if (verdict.state !== 'rolling' || stoodMs <= progressMaxMs(facts, rules)) return verdict
  const held = heldByEnding(facts, ours.version)
  if (held.length > 0) return { state: 'draining', because: [...held, ...verdict.because] }
  const still = `nothing has moved in the ${workloadName(facts)} for ${Math.round(stoodMs / 1000)} s`
  return { state: 'failed', because: [still, ...verdict.because] }
}

interface Look {
  readonly facts: WorkloadFacts
  /** Was there a time before it in which nothing could be seen? */
  readonly wasBlind: boolean
}

/**
 * The roll goes on whether we see it or not. What does not answer us answers nobody, as a rule: what is told at first is of
 * before that, and counts when all had the time to write it anew.
 */
export async function look(
  { cluster, clock, rules, asked, blind }: Roller,
  workload: RolledWorkload,
): Promise<Look> {
  let blindFromMs: number | undefined
  for (let isFresh = true; ; ) {
    try {
      const facts = await cluster.look(workload)
      if (isFresh) return { facts, wasBlind: blindFromMs !== undefined }
      isFresh = true
      await clock.sleep(rules.troubleMaxMs)
    } catch (error) {
      isFresh = false
      blindFromMs ??= clock.passed()
      const isOver = clock.passed() - blindFromMs >= rules.blindMaxMs
      if (!isBlind(error) || isOver || (await asked()).wants !== 'go') throw error
      blind(error.message)
      await clock.sleep(rules.pollMaxMs)
    }
  }
}

/** A server that has just begun refuses what it will allow in a moment. */
export function isBlind(error: unknown): error is BellowsError {
  return error instanceof BellowsError && ['cluster_unreachable', 'cluster_refused'].includes(error.code)
}
