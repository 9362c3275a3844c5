import type { SavedTemplate } from './release.ts'
import { type RolledWorkload, workloadName } from './workload.ts'
import type { Ours } from './workload-verdict.ts'

/** What happened in a roll of workloads: enough to go on with it in another process. `workload` is its `workloadName`. */
export type WorkloadEvent =
  /** Its template is kept; written before it is changed. */
  | { readonly type: 'workload_saved'; readonly workload: string; readonly saved: SavedTemplate }
  | { readonly type: 'workload_changed'; readonly workload: string; readonly ours: Ours }
  /** All its pods are new, and no old one is left. */
  | { readonly type: 'workload_rolled'; readonly workload: string; readonly because: readonly string[] }
  /** From here on the roll goes back. */
  | { readonly type: 'workload_failed'; readonly workload: string; readonly because: readonly string[] }
  /** Somebody else changed it: it is left alone from now on. */
  | { readonly type: 'workload_overtaken'; readonly workload: string; readonly because: readonly string[] }
  /** Somebody asked to go back. */
  | { readonly type: 'roll_aborted'; readonly because: readonly string[] }
  | { readonly type: 'workload_put_back'; readonly workload: string; readonly ours: Ours }
  | { readonly type: 'workload_restored'; readonly workload: string; readonly because: readonly string[] }
  /** The saved template is back, and its pods do not become available. */
  | { readonly type: 'workload_stuck'; readonly workload: string; readonly because: readonly string[] }

/** Where one workload of a roll stands. */
export type Stage =
  | { readonly at: 'saved' | 'failed'; readonly saved: SavedTemplate }
  | { readonly at: 'changed' | 'rolled' | 'put_back'; readonly saved: SavedTemplate; readonly ours: Ours }
  | { readonly at: 'restored' | 'stuck' | 'overtaken'; readonly because: readonly string[] }

/** A roll, as the fold of its events. */
export interface Roll {
  readonly direction: 'forward' | 'back'
  /** Why it goes back. */
  readonly because: readonly string[]
  readonly stages: Readonly<Record<string, Stage>>
}

export function foldRoll(events: readonly WorkloadEvent[]): Roll {
  return events.reduce(afterEvent, { direction: 'forward', because: [], stages: {} })
}

export function afterEvent(roll: Roll, event: WorkloadEvent): Roll {
  switch (event.type) {
    case 'workload_saved':
      return staged(roll, event.workload, { at: 'saved', saved: event.saved })
    case 'workload_changed':
      return moved(roll, event.workload, (saved) => ({ at: 'changed', saved, ours: event.ours }))
    case 'workload_rolled':
      return rolled(roll, event.workload)
    case 'workload_failed':
      return {
        ...moved(roll, event.workload, (saved) => ({ at: 'failed', saved })),
        direction: 'back',
        because: event.because,
      }
    case 'roll_aborted':
      return { ...roll, direction: 'back', because: event.because }
    case 'workload_put_back':
      return moved(roll, event.workload, (saved) => ({ at: 'put_back', saved, ours: event.ours }))
    case 'workload_overtaken':
      return staged(roll, event.workload, { at: 'overtaken', because: event.because })
    case 'workload_restored':
      return staged(roll, event.workload, { at: 'restored', because: event.because })
    case 'workload_stuck':
      return staged(roll, event.workload, { at: 'stuck', because: event.because })
  }
}

function staged(roll: Roll, workload: string, stage: Stage): Roll {
  return { ...roll, stages: { ...roll.stages, [workload]: stage } }
}

/** What was saved stays with its workload until it is back, or somebody else's. */
function moved(roll: Roll, workload: string, stage: (saved: SavedTemplate) => Stage): Roll {
  const before = roll.stages[workload]
  return before !== undefined && 'saved' in before ? staged(roll, workload, stage(before.saved)) : roll
}

/** What it was changed to stays known, too: it is watched for as long as others are still to be rolled. */
function rolled(roll: Roll, workload: string): Roll {
  const before = roll.stages[workload]
  return before?.at === 'changed' ? staged(roll, workload, { ...before, at: 'rolled' }) : roll
}

/** What is to be done next in a roll. */
export type Act =
  | { readonly act: 'save'; readonly workload: RolledWorkload }
  | { readonly act: 'change' | 'put_back'; readonly workload: RolledWorkload; readonly saved: SavedTemplate }
  | { readonly act: 'watch' | 'watch_back'; readonly workload: RolledWorkload; readonly ours: Ours }
  | { readonly act: 'end'; readonly outcome: RollOutcome }

/**
 * `rolled`: the new version is everywhere, no old pod is left · `taken_back`: all workloads have their saved templates again and
 * run · `stuck`: it failed, and not everything could be taken back, or nothing may be · `overtaken`: somebody else deploys, nothing
 * more was done.
 */
export interface RollOutcome {
  readonly state: 'rolled' | 'taken_back' | 'stuck' | 'overtaken'
  readonly because: readonly string[]
  /** What became of each workload on the way back. */
  readonly back: readonly string[]
}

/** Forward one after the other; back all at once, the newest change first, because nobody waits longer than needed for that. */
export function nextAct(roll: Roll, workloads: readonly RolledWorkload[]): Act {
  return roll.direction === 'forward' ? forward(roll, workloads) : back(roll, workloads.toReversed())
}

/** From which event on does a roll go back? */
export function turnsBack(
  event: WorkloadEvent,
): event is Extract<WorkloadEvent, { readonly type: 'workload_failed' | 'roll_aborted' }> {
  return event.type === 'workload_failed' || event.type === 'roll_aborted'
}

/** Has any template been touched, or may it have been? */
export function isUntouched(roll: Roll): boolean {
  return Object.values(roll.stages).every(({ at }) => at === 'saved')
}

function forward({ stages }: Roll, workloads: readonly RolledWorkload[]): Act {
  for (const workload of workloads) {
    const stage = stages[workloadName(workload)]
    if (stage === undefined) return { act: 'save', workload }
    if (stage.at === 'saved') return { act: 'change', workload, saved: stage.saved }
    if (stage.at === 'changed') return { act: 'watch', workload, ours: stage.ours }
    if (stage.at === 'overtaken')
      return { act: 'end', outcome: { state: 'overtaken', because: stage.because, back: [] } }
  }
  const because = workloads.map((workload) => `the ${workloadName(workload)} is rolled`)
  return { act: 'end', outcome: { state: 'rolled', because, back: [] } }
}

function back({ stages, because }: Roll, newestFirst: readonly RolledWorkload[]): Act {
  const staged = newestFirst.flatMap((workload) => {
    const stage = stages[workloadName(workload)]
    return stage === undefined ? [] : [{ workload, stage }]
  })
  for (const { workload, stage } of staged)
    if ('saved' in stage && stage.at !== 'put_back') return { act: 'put_back', workload, saved: stage.saved }
  for (const { workload, stage } of staged)
    if (stage.at === 'put_back') return { act: 'watch_back', workload, ours: stage.ours }
  const isBack = staged.every(({ stage }) => stage.at === 'restored')
  const told = staged.flatMap(({ stage }) => ('because' in stage ? stage.because : []))
  return { act: 'end', outcome: { state: isBack ? 'taken_back' : 'stuck', because, back: told } }
}
